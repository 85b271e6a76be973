import { Doorbell } from './doorbell';
import { native, type NativeLag, type NativeSubscription } from '../native';
import { askToBeTold, type Page } from '../page';
import { letExit, now, startInterval, stopTimer, type Timer } from '../real-timers';

/** How often the page is looked at unasked, in case a writer was killed between changing it and telling of that. */
const LOOK_EVERY_MS = 1000;

/** What a doorbell is rung with: the moment of a change in nanoseconds, the low word first. */
const MOMENT_BYTES = 8;

const NS_PER_MS = 1e6;

/** The same where other processes have no way to tell, since the system refused to make a doorbell. */
const LOOK_WITHOUT_DOORBELL_MS = 10;

/**
 * Calls back soon after each change of a page, whoever made it, and now and then without one. Changes in quick
 * succession may be one call, and after the last one there is always one. Does not keep the process running.
 */
export class PageWatch {
  readonly #look: () => void;
  readonly #subscription: NativeSubscription;
  readonly #lag: NativeLag;
  #doorbell: Doorbell | undefined;
  #timer: Timer;
  #isClosed = false;
  #problem: string | undefined;

  /**
   * `look` is called when the page has to be compared with what was seen before; `lag` gets how long after changes that
   * is.
   */
  constructor(page: Page, lag: NativeLag, look: () => void) {
    this.#lag = lag;
    this.#look = () => {
      // First, so that a change that the look misses finds the mark.
      askToBeTold(page);
      look();
    };
    this.#subscription = native.watchPage(page.handle, this.#look, lag);
    this.#timer = this.#lookEvery(LOOK_EVERY_MS);
    askToBeTold(page);
    this.#putUpDoorbell();
  }

  #putUpDoorbell(): void {
    const failed = (error: Error) => {
      if (this.#isClosed) return;
      this.#problem = error.message;
      stopTimer(this.#timer);
      this.#timer = this.#lookEvery(LOOK_WITHOUT_DOORBELL_MS);
    };
    try {
      const address = this.#subscription.doorbell();
      if (address === null) return;
      const opened = () => {
        this.#subscription.publishDoorbell();
        // Who changed the page before that could not ring.
        this.#look();
      };
      this.#doorbell = new Doorbell(address, { opened, failed, rung: (sent) => this.#answer(sent) });
    } catch (error) {
      failed(error as Error);
    }
  }

  #answer(sent: Buffer): void {
    const answered = now();
    this.#look();
    // Afterwards, so that nobody waits for it. Of several rings the first counts, which has waited longest. Anything else
    // than moments is a ring all the same.
    if (sent.length % MOMENT_BYTES !== 0) return;
    const sinceNs = (now() - answered) * NS_PER_MS;
    this.#lag.note(sent.readUInt32LE(0), sent.readUInt32LE(4), sinceNs);
  }

  #lookEvery(ms: number): Timer {
    return letExit(startInterval(this.#look, ms));
  }

  /** Why other processes have no way to tell; `undefined` when they have. */
  get problem(): string | undefined {
    return this.#problem;
  }

  close(): void {
    this.#isClosed = true;
    this.#doorbell?.close();
    this.#subscription.close();
    stopTimer(this.#timer);
  }
}
