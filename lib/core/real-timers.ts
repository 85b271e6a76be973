/**
 * Timers and the clock of the runtime. Test suites replace the globals: those of Jest, Sinon and `node:test` stand still
 * until the test moves them on, and those of jsdom are numbers without `unref`. What a config has to do must not depend on
 * that, so no other module of the package uses the global ones (the linter checks it), and no promise hangs on a timer.
 */

type Timers = Pick<typeof globalThis, 'setTimeout' | 'clearTimeout' | 'setInterval' | 'clearInterval' | 'setImmediate'>;

/** As they were when the package was loaded, which takes no time. */
const globals: Timers = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  setImmediate: globalThis.setImmediate,
};

let timers: Timers | undefined;

/** Loaded when the first timer is needed. */
function timersOfRuntime(): Timers {
  if (!timers) {
    // There is no `require` in the ES modules that this is bundled into, and no `getBuiltinModule` before Node 20.16.
    const builtIn: Timers = process.getBuiltinModule?.('node:timers') ?? globals;
    // An environment such as jsdom replaces the globals alone, fake timers the functions of the module as well.
    timers = builtIn.setTimeout === globalThis.setTimeout ? globals : builtIn;
  }
  return timers;
}

/** A timer that was started here. */
export type Timer = NodeJS.Timeout;

/** Calls `work` once, after some milliseconds. It keeps the process running. */
export function startTimeout(work: () => void, ms: number): Timer {
  return timersOfRuntime().setTimeout(work, ms);
}

/** Calls `work` every so many milliseconds. It keeps the process running. */
export function startInterval(work: () => void, ms: number): Timer {
  return timersOfRuntime().setInterval(work, ms);
}

/** Stops a timer of either kind. */
export function stopTimer(timer: Timer | undefined): void {
  if (timer) timersOfRuntime().clearTimeout(timer);
}

/** Lets the process end although the timer is running. */
export function letExit(timer: Timer): Timer {
  // Where the globals were replaced before the package was loaded, they may be all there is.
  timer.unref?.();
  return timer;
}

/** Throws an error where it is an uncaught exception of the process and interrupts nothing. */
export function throwLater(error: unknown): void {
  timersOfRuntime().setImmediate(() => {
    throw error;
  });
}

/** As it was when the package was loaded. `performance` would do, but Node takes a millisecond to load it. */
const { hrtime } = process;

/** Milliseconds since some moment in the past. */
export function now(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** The end of a time that promises may wait for. */
export interface Deadline {
  /** Resolves when the time is over. It does not keep the process running. */
  readonly over: Promise<unknown>;
  /** Ends it early. */
  cancel(): void;
}

/** A deadline in some milliseconds. It is no timer, so that it passes even if timers were replaced before the package was loaded. */
export function startDeadline(ms: number): Deadline {
  const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const { value } = Atomics.waitAsync(cell, 0, 0, ms);
  return { over: Promise.resolve(value), cancel: () => void Atomics.notify(cell, 0) };
}
