import { Doorbell } from './doorbell';
import { native, type NativeLag, type NativeSubscription } from '../native/binding';
import { askToBeTold, isLive, type Page } from '../core/page';
import { letExit, now, startInterval, stopTimer, type Timer } from '../core/real-timers';

/**
 * How often the page is looked at unasked, in case a writer was killed between changing it and telling of that, and the
 * doorbell is checked.
 */
const LOOK_EVERY_MS = 1000;

/** How often the page is looked at while other processes have no way to tell. */
const LOOK_WITHOUT_DOORBELL_MS = 10;

/** What a doorbell is rung with: the moment of a change in nanoseconds, the low word first. */
const MOMENT_BYTES = 8;

const NS_PER_MS = 1e6;

/**
 * Calls back soon after each change of a page, whoever made it, and now and then without one. Changes in quick
 * succession may be one call, and after the last one there is always one. Does not keep the process running.
 *
 * Whatever goes wrong with the doorbell is repaired within a second of the time when that is possible.
 */
export class PageWatch {
  readonly #look: () => void;
  readonly #subscription: NativeSubscription;
  readonly #lag: NativeLag;
  readonly #isLive: boolean;
  #doorbell: Doorbell | undefined;
  readonly #timer: Timer;
  /** Runs while there is a problem. */
  #oftenTimer: Timer | undefined;
  #problem: string | undefined;

  /**
   * `look` is called when the page has to be compared with what was seen before; `lag` gets how long after changes that
   * is.
   */
  constructor(page: Page, lag: NativeLag, look: () => void) {
    this.#lag = lag;
    this.#isLive = isLive(page);
    this.#look = () => {
      // First, so that a change that the look misses finds the mark.
      askToBeTold(page);
      look();
    };
    this.#subscription = native.watchPage(page.handle, this.#look, lag);
    this.#timer = this.#every(LOOK_EVERY_MS, () => {
      this.#look();
      this.#check();
    });
    askToBeTold(page);
    this.#check();
  }

  /** Why other processes have no way to tell, as of now; `undefined` when they have. */
  get problem(): string | undefined {
    this.#check();
    return this.#problem;
  }

  close(): void {
    stopTimer(this.#timer);
    this.#takeDown();
    this.#subscription.close();
    this.#solved();
  }

  /** Looks whether other processes find the doorbell, and puts up another one if they do not. */
  #check(): void {
    if (!this.#isLive) return;
    try {
      if (this.#doorbell && !this.#doorbell.isOpen) return;
      if (this.#doorbell) {
        if (this.#subscription.isDoorbellUp()) return this.#solved();
        this.#takeDown();
        // Until the next one is up.
        this.#failed(new Error('the socket for that was removed'));
      }
      this.#putUp();
    } catch (error) {
      this.#failed(error);
    }
  }

  #putUp(): void {
    const address = this.#subscription.doorbell();
    if (address === null) return;
    const doorbell = new Doorbell(address, {
      opened: () => this.#publish(doorbell),
      failed: (error) => {
        if (this.#doorbell !== doorbell) return;
        // One that is open is kept: it fails to accept connections while there are no descriptors.
        if (!doorbell.isOpen) this.#takeDown();
        this.#failed(error);
      },
      rung: (sent) => this.#answer(sent),
      dropped: this.#look,
    });
    this.#doorbell = doorbell;
  }

  #publish(doorbell: Doorbell): void {
    if (this.#doorbell !== doorbell) return;
    try {
      this.#subscription.publishDoorbell();
      this.#solved();
    } catch (error) {
      this.#takeDown();
      this.#failed(error);
    }
    // A process that changed the page before that could not ring.
    this.#look();
  }

  #takeDown(): void {
    const doorbell = this.#doorbell;
    this.#doorbell = undefined;
    doorbell?.close();
  }

  #failed(error: unknown): void {
    this.#problem = error instanceof Error ? error.message : String(error);
    this.#oftenTimer ??= this.#every(LOOK_WITHOUT_DOORBELL_MS, this.#look);
  }

  #solved(): void {
    this.#problem = undefined;
    stopTimer(this.#oftenTimer);
    this.#oftenTimer = undefined;
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

  #every(ms: number, work: () => void): Timer {
    return letExit(startInterval(work, ms));
  }
}
