/** How `autoPersist` was set. */
export interface AutoPersistOptions {
  /** Milliseconds from a change to its persisting, 0 to 86,400,000. Changes in between share a revision. Default 250. */
  debounceMs?: number;
}

/** Persists a config's own changes a while after they were made. */
export class AutoPersist {
  readonly #persist: () => Promise<unknown>;
  readonly #debounceMs: number;
  readonly #onFailure: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(debounceMs: number, persist: () => Promise<unknown>, onFailure: (error: Error) => void) {
    this.#debounceMs = debounceMs;
    this.#persist = persist;
    this.#onFailure = onFailure;
  }

  /** Notes a change. The timer keeps the process running, so that the change is not lost at a natural end. */
  touch(): void {
    this.#timer ??= setTimeout(() => this.#start(), this.#debounceMs);
  }

  /** Persists now what is still to be persisted, and resolves when that is done. */
  async flush(): Promise<void> {
    if (this.#timer !== undefined) this.#start();
    await this.#running;
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    try {
      await this.#persist();
    } catch (error) {
      this.#onFailure(error as Error);
    }
  }
}
