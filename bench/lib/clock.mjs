// @ts-check
// One clock for all processes of the machine, in nanoseconds.
//
// Node's `process.hrtime` is CLOCK_MONOTONIC, which is that. Bun's counts from the start of the process, so there the
// distance to CLOCK_MONOTONIC is measured once.

const MONOTONIC = 1;
const TRIES = 2000;

/** @type {() => number} */
export const now = process.versions.bun === undefined ? () => Number(process.hrtime.bigint()) : await bunClock();

async function bunClock() {
  const { dlopen, ptr } = await import('bun:ffi');
  const name = process.platform === 'darwin' ? 'libc.dylib' : 'libc.so.6';
  const { symbols } = dlopen(name, { clock_gettime: { args: ['i32', 'ptr'], returns: 'i32' } });
  const time = new BigInt64Array(2);
  const address = ptr(time);
  let [distance, tightest] = [0, Number.POSITIVE_INFINITY];
  for (let i = 0; i < TRIES; i += 1) {
    const before = Bun.nanoseconds();
    symbols.clock_gettime(MONOTONIC, address);
    const after = Bun.nanoseconds();
    const width = after - before;
    if (i < TRIES / 2 || width >= tightest) continue;
    const [seconds = 0n, nanoseconds = 0n] = time;
    tightest = width;
    distance = Number(seconds) * 1e9 + Number(nanoseconds) - (before + after) / 2;
  }
  return () => Bun.nanoseconds() + distance;
}
