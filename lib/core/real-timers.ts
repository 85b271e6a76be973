/**
 * Timers and the clock of the runtime. Test frameworks replace the globals: the timers of Jest, Sinon and `node:test`
 * do not run until the test advances them, and those of jsdom are numbers without `unref`. A config must not depend on
 * them, so no other module of the package uses the globals (the linter checks this), and no promise depends on a timer.
 */

type Timers = Pick<typeof globalThis, 'setTimeout' | 'clearTimeout' | 'setInterval' | 'clearInterval' | 'setImmediate'>;

/** The globals at the time the package was loaded. */
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

/** Calls `work` once, after `ms` milliseconds. Keeps the process running. */
export function startTimeout(work: () => void, ms: number): Timer {
  return timersOfRuntime().setTimeout(work, ms);
}

/** Calls `work` every `ms` milliseconds. Keeps the process running. */
export function startInterval(work: () => void, ms: number): Timer {
  return timersOfRuntime().setInterval(work, ms);
}

/** Stops a timer of either kind. */
export function stopTimer(timer: Timer | undefined): void {
  if (timer) timersOfRuntime().clearTimeout(timer);
}

/** Lets the process exit while the timer is active. */
export function letExit(timer: Timer): Timer {
  // If the globals were replaced before the package was loaded, there may be no others.
  timer.unref?.();
  return timer;
}

/** Throws an error as an uncaught exception of the process, without interrupting the caller. */
export function throwLater(error: unknown): void {
  timersOfRuntime().setImmediate(() => {
    throw error;
  });
}

/** The clock at the time the package was loaded. `performance` would do, but Node takes a millisecond to load it. */
const { hrtime } = process;

/** Milliseconds since an arbitrary time in the past. */
export function now(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** A deadline that promises can wait for. */
export interface Deadline {
  /** Resolves at the deadline. Does not keep the process running. */
  readonly over: Promise<unknown>;
  /** Cancels it. */
  cancel(): void;
}

/**
 * A deadline in `ms` milliseconds. It uses no timer, so it passes even if timers were replaced before the package was
 * loaded.
 */
export function startDeadline(ms: number): Deadline {
  const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const { value } = Atomics.waitAsync(cell, 0, 0, ms);
  return { over: Promise.resolve(value), cancel: () => void Atomics.notify(cell, 0) };
}
