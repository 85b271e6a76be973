import { letExit, now, startTimeout, stopTimer, type Timer } from '../core/real-timers';

/** The pause after the first failure. It doubles with each further failure. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** How long a change that cannot be written keeps an otherwise idle program running. */
const HOLD_MS = 60_000;

/** The dependencies of {@link AutoPersist}. */
interface Work {
  /** Takes a snapshot immediately, and resolves when it is on disk. */
  persist(): Promise<unknown>;
  /** Called after each failed attempt that another one follows. */
  failed(error: Error): void;
  /** Called when the program ends and the last attempt has failed. */
  lost(error: Error): void;
}

/** Persists the changes of a config after a delay, and retries until they are written. */
export class AutoPersist {
  readonly #debounceMs: number;
  readonly #work: Work;
  /** Active while a change waits for its first attempt. */
  #debounce: Timer | undefined;
  /** Active from a failure to the next attempt. */
  #retry: Timer | undefined;
  #isRunning = false;
  /** Whether another attempt is due after the running one. */
  #isDue = false;
  #failures = 0;
  #failingSince = 0;
  #hasEnded = false;

  constructor(debounceMs: number, work: Work) {
    this.#debounceMs = debounceMs;
    this.#work = work;
  }

  /** Records a change. The timer keeps the process running, so that the change is not lost when the program ends. */
  touch(): void {
    this.#debounce ??= startTimeout(() => this.#attempt(), this.#debounceMs);
  }

  /**
   * Ends it. Unless all changes are known to be written, the current state is persisted in a last attempt; the promise
   * rejects if that fails.
   */
  end(): Promise<unknown> | undefined {
    this.#hasEnded = true;
    return this.#attemptUnlessWritten();
  }

  /** A last attempt before the program ends. */
  async attemptBeforeExit(): Promise<void> {
    try {
      await this.#attemptUnlessWritten();
    } catch (error) {
      this.#work.lost(error as Error);
    }
  }

  #attemptUnlessWritten(): Promise<unknown> | undefined {
    const isWritten = !this.#debounce && !this.#retry && !this.#isRunning;
    this.#clear();
    return isWritten ? undefined : this.#work.persist();
  }

  #attempt(): void {
    this.#clear();
    if (this.#isRunning) this.#isDue = true;
    else void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      await this.#work.persist();
      this.#failures = 0;
    } catch (error) {
      if (!this.#hasEnded) this.#tryAgain(error as Error);
    }
    this.#isRunning = false;
    if (this.#isDue && !this.#hasEnded) {
      this.#isDue = false;
      this.#attempt();
    }
  }

  #tryAgain(error: Error): void {
    if (this.#failures === 0) this.#failingSince = now();
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    this.#failures += 1;
    this.#retry = startTimeout(() => this.#attempt(), pause);
    if (now() - this.#failingSince >= HOLD_MS) {
      letExit(this.#retry);
      tryOnceMoreBeforeExit(this);
    }
    this.#work.failed(error);
  }

  #clear(): void {
    stopTimer(this.#debounce);
    stopTimer(this.#retry);
    this.#debounce = undefined;
    this.#retry = undefined;
    forget(this);
  }
}

/** The timers that let the program end although a change is not written. */
const unwritten = new Set<AutoPersist>();

function tryOnceMoreBeforeExit(autoPersist: AutoPersist): void {
  if (unwritten.size === 0) process.on('beforeExit', beforeExit);
  unwritten.add(autoPersist);
}

function forget(autoPersist: AutoPersist): void {
  if (unwritten.delete(autoPersist) && unwritten.size === 0) process.off('beforeExit', beforeExit);
}

function beforeExit(): void {
  for (const autoPersist of unwritten) void autoPersist.attemptBeforeExit();
}
