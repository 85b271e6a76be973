import type { FeatureTable } from '../core/feature-table';
import { native, type NativeLag } from '../native/binding';
import { banksFor, type Page, readGeneration } from '../core/page';
import { readPageState } from '../core/page-state';
import { startInterval, stopTimer, throwLater, type Timer } from '../core/real-timers';
import { PageWatch } from './page-watch';
import { basisPointsOf, compareStates, type Mutable, type State } from '../core/state';
import { hasSameSettings } from '../core/terminal';
import type { ConfigChange } from '../types';

/** Reports what has changed since the last call, and whether this config changed it. */
class ChangeTracker {
  readonly #page: Page;
  #seen: State;
  /** The flags that this config has set and cleared since then, by its last change of each: a word for each bank. */
  readonly #set: number[] = [];
  readonly #cleared: number[] = [];
  #terminal: number | undefined;
  /** The basis points that this config has set since then, by bit. */
  #rollouts: Map<number, number> | undefined;

  constructor(page: Page, banks: number) {
    this.#page = page;
    this.#seen = readPageState(page, banks);
    for (let bank = 0; bank < page.banks; bank += 1) {
      this.#set.push(0);
      this.#cleared.push(0);
    }
  }

  noteFlags(bank: number, set: number, cleared: number): void {
    this.#set[bank] = (this.#set[bank]! | set) & ~cleared;
    this.#cleared[bank] = (this.#cleared[bank]! | cleared) & ~set;
  }

  noteTerminal(word: number): void {
    this.#terminal = word;
  }

  noteRollout(bit: number, basisPoints: number): void {
    this.#rollouts ??= new Map();
    this.#rollouts.set(bit, basisPoints);
  }

  take<Name extends string>(table: FeatureTable): ConfigChange<Name> | undefined {
    // The generation is read first, so the state is never older than the generation.
    const generation = readGeneration(this.#page);
    const before = this.#seen;
    const now = readPageState(this.#page, banksFor(table.names.length), before);
    if (now === before) return undefined;
    const { enabled, disabled, terminal, rollouts } = compareStates(table, before, now);
    const local =
      now.flags.every((flags, bank) => this.#hasFlipped(bank, (before.flags[bank] ?? 0) ^ flags, flags)) &&
      (terminal === undefined || (this.#terminal !== undefined && hasSameSettings(this.#terminal, now.terminal))) &&
      (rollouts === undefined || this.#hasSetRollouts(before, now));
    this.#seen = now;
    this.#set.fill(0);
    this.#cleared.fill(0);
    this.#terminal = undefined;
    this.#rollouts = undefined;
    const change: Mutable<ConfigChange> = { enabled, disabled, generation, local };
    if (terminal) change.terminal = terminal;
    if (rollouts) change.rollouts = rollouts;
    return change as ConfigChange<Name>;
  }

  /** Whether all of these flips are this config's, given the flags after them. */
  #hasFlipped(bank: number, flips: number, flags: number): boolean {
    const own = (this.#set[bank]! & flags) | (this.#cleared[bank]! & ~flags);
    return (flips & ~own) === 0;
  }

  #hasSetRollouts(before: State, now: State): boolean {
    const isOwn = (rollout: number, bit: number) =>
      rollout === basisPointsOf(before, bit) || rollout === this.#rollouts?.get(bit);
    return now.rollouts?.every(isOwn) ?? false;
  }
}

interface Listener {
  /** Something has changed. */
  readonly notify: () => void;
  /** The config was closed. */
  readonly end: () => void;
}

/** A subscription to changes. */
export interface ChangeSource<Name extends string> {
  /** What has changed since the last call; `undefined` if the state is the same. */
  take(): ConfigChange<Name> | undefined;
  /** Ends it. */
  stop(): void;
}

/** The listeners of a config. The page is watched as long as there are any. */
export class Listening<Name extends string> {
  readonly #page: Page;
  readonly #table: () => FeatureTable;
  readonly #listeners = new Map<ChangeTracker, Listener>();
  #watch: PageWatch | undefined;
  #keepAlive: Timer | undefined;
  #lag: NativeLag | undefined;
  /** The reported changes, by whether this config made all of them. */
  readonly delivered = { local: 0, foreign: 0 };

  /** `table` returns the current feature table. */
  constructor(page: Page, table: () => FeatureTable) {
    this.#page = page;
    this.#table = table;
  }

  /** Calls `notify` after changes from now on, and `end` when the config is closed. */
  open(notify: () => void, end: () => void): ChangeSource<Name> {
    this.#watch ??= this.#start();
    // Created after the watch, so no change is missed in between.
    const tracker = new ChangeTracker(this.#page, banksFor(this.#table().names.length));
    this.#listeners.set(tracker, { notify, end });
    return {
      take: () => {
        const change = tracker.take<Name>(this.#table());
        if (change?.local) this.delivered.local += 1;
        else if (change) this.delivered.foreign += 1;
        return change;
      },
      stop: () => {
        this.#listeners.delete(tracker);
        if (this.#listeners.size === 0) this.#stop();
      },
    };
  }

  noteFlags(bank: number, set: number, cleared: number): void {
    for (const tracker of this.#listeners.keys()) tracker.noteFlags(bank, set, cleared);
  }

  noteTerminal(word: number): void {
    for (const tracker of this.#listeners.keys()) tracker.noteTerminal(word);
  }

  noteRollout(bit: number, basisPoints: number): void {
    for (const tracker of this.#listeners.keys()) tracker.noteRollout(bit, basisPoints);
  }

  /** Listening does not keep the process running, unless held. */
  hold(held: boolean): void {
    stopTimer(this.#keepAlive);
    this.#keepAlive = held ? startInterval(() => {}, LONGEST_DELAY) : undefined;
  }

  /** Why other processes cannot notify this one at the moment, so that it polls. */
  get problem(): string | undefined {
    return this.#watch?.problem;
  }

  /** The time from changes to listeners; `undefined` before the first listener. */
  get lag(): NativeLag | undefined {
    return this.#lag;
  }

  close(): void {
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    this.#stop();
    this.hold(false);
    for (const { end } of listeners) end();
  }

  #start(): PageWatch {
    this.#lag ??= native.newLag();
    return new PageWatch(this.#page, this.#lag, () => this.#deliver());
  }

  #stop(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  #deliver(): void {
    // The loop over a map skips entries that are removed meanwhile, such as by another listener.
    for (const { notify } of this.#listeners.values()) callListener(notify);
  }
}

/** Calls a listener. If it throws, that is an uncaught exception, and other listeners are still called. */
export function callListener(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    throwLater(error);
  }
}

/** The maximum delay of a timer, in milliseconds. */
const LONGEST_DELAY = 2 ** 31 - 1;
