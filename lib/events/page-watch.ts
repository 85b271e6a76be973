import { Doorbell } from './doorbell';
import { native, type NativeLag, type NativeSubscription } from '../native/binding';
import { askToBeTold, isLive, type Page } from '../core/page';
import { letExit, now, startInterval, stopTimer, type Timer } from '../core/real-timers';

/**
 * How often the page and the doorbell are checked without a notification, in case a writer was killed between a change
 * and its notification.
 */
const LOOK_EVERY_MS = 1000;

/** How often the page is checked while other processes cannot notify this one. */
const LOOK_WITHOUT_DOORBELL_MS = 10;

/** The message of a doorbell: the time of a change in nanoseconds, the low word first. */
const MOMENT_BYTES = 8;

const NS_PER_MS = 1e6;

/**
 * Calls back soon after each change of a page, by any thread or process, and occasionally without one. Changes in quick
 * succession may be combined into one call; the last one is always followed by a call. Does not keep the process
 * running.
 *
 * A problem of the doorbell is repaired within a second of its cause being removed.
 */
export class PageWatch {
  readonly #look: () => void;
  readonly #subscription: NativeSubscription;
  readonly #lag: NativeLag;
  readonly #isLive: boolean;
  #doorbell: Doorbell | undefined;
  readonly #timer: Timer;
  /** Active while there is a problem. */
  #oftenTimer: Timer | undefined;
  #problem: string | undefined;

  /**
   * `look` is called when the page must be compared with its previous state; `lag` records how long after the change
   * that is.
   */
  constructor(page: Page, lag: NativeLag, look: () => void) {
    this.#lag = lag;
    this.#isLive = isLive(page);
    this.#look = () => {
      // First, so that a change after the check finds the mark.
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

  /** Why other processes cannot notify this one at the moment; `undefined` if they can. */
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

  /** Checks whether other processes find the doorbell, and creates another one if they do not. */
  #check(): void {
    if (!this.#isLive) return;
    try {
      if (this.#doorbell && !this.#doorbell.isOpen) return;
      if (this.#doorbell) {
        if (this.#subscription.isDoorbellUp()) return this.#solved();
        this.#takeDown();
        // Until the next one is ready.
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
        // An open one is kept: it only fails to accept connections while there are no descriptors.
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
    // A process that changed the page earlier could not ring.
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
    // Last, so that listeners do not wait for it. Of several messages the first counts, since it has waited longest. Any other
    // data is a ring as well.
    if (sent.length % MOMENT_BYTES !== 0) return;
    const sinceNs = (now() - answered) * NS_PER_MS;
    this.#lag.note(sent.readUInt32LE(0), sent.readUInt32LE(4), sinceNs);
  }

  #every(ms: number, work: () => void): Timer {
    return letExit(startInterval(work, ms));
  }
}
