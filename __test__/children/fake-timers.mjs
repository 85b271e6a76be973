// A test suite that fakes timers: `modules` as Sinon does, which replaces those of `node:timers` as well; `globals` as Jest
// does; `numbers` as jsdom does, whose timers run but are numbers.
import { createRequire, syncBuiltinESMExports } from 'node:module';

const modules = createRequire(import.meta.url)('node:timers');
const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval } = modules;
const real = { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval };
const { nextTick } = process;
const { performance, queueMicrotask, Date } = globalThis;

/** What stands still. */
export function fake(how) {
  if (how === 'numbers') {
    const running = new Map();
    for (const kind of ['Timeout', 'Interval']) {
      globalThis[`set${kind}`] = (...args) => {
        running.set(running.size + 1, real[`set${kind}`](...args));
        return running.size;
      };
      globalThis[`clear${kind}`] = (timer) => real[`clear${kind}`](running.get(timer));
    }
    delete globalThis.setImmediate;
    return;
  }
  for (const name of ['setTimeout', 'setInterval', 'setImmediate']) {
    globalThis[name] = () => ({ unref() {}, ref() {} });
    if (how === 'modules') modules[name] = globalThis[name];
  }
  syncBuiltinESMExports();
  globalThis.queueMicrotask = () => {};
  globalThis.performance = { now: () => 0 };
  globalThis.Date = class extends Date {
    static now() {
      return 0;
    }
  };
  process.nextTick = () => {};
}

export function restore() {
  Object.assign(modules, real);
  Object.assign(globalThis, { ...real, performance, queueMicrotask, Date });
  syncBuiltinESMExports();
  process.nextTick = nextTick;
}

/** Waits for a promise for at most ten seconds, by real timers. */
export async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = real.setTimeout(() => reject(new Error(`${what} did not settle`)), 10_000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    real.clearTimeout(timer);
  }
}
