// @ts-check

/**
 * A duration as a person reads it.
 *
 * @param {number} ms
 */
export function duration(ms) {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`;
}

/**
 * Runs one step of the set-up and says so in one line on stderr, so that stdout stays the
 * program's own.
 *
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(name, work) {
  const start = performance.now();
  process.stderr.write(`${name} … `);
  try {
    const result = await work();
    process.stderr.write(`${duration(performance.now() - start)}\n`);
    return result;
  } catch (error) {
    process.stderr.write('failed\n');
    throw error;
  }
}

/**
 * Runs a script's main function; an error becomes its message and a non-zero exit.
 *
 * @param {() => Promise<number | void>} main
 */
export async function runMain(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    const isCommand = error instanceof Error && error.name === 'CommandError';
    process.stderr.write(`\n${isCommand ? error.message : /** @type {any} */ (error)?.stack ?? error}\n`);
    process.exitCode = 1;
  }
}
