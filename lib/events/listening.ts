import type { FeatureTable } from '../core/feature-table';
import { native, type NativeLag } from '../native/binding';
import { type Page, readGeneration, readPageState } from '../core/page';
import { startInterval, stopTimer, throwLater, type Timer } from '../core/real-timers';
import { PageWatch } from './page-watch';
import { compareStates, type Mutable, type State } from '../core/state';
import { unpackTerminal } from '../core/terminal';
import type { ConfigChange } from '../types';

/** Tells what has changed since it was last asked, and whether this config did it. */
class ChangeTracker {
  readonly #page: Page;
  #seen: State;
  /** Flags that this config has set and cleared since, each in the last way it did. */
  #set = 0;
  #cleared = 0;
  #terminal: number | undefined;
  /** Basis points that this config has set since, by bit. */
  #rollouts: Map<number, number> | undefined;

  constructor(page: Page) {
    this.#page = page;
    this.#seen = readPageState(page);
  }

  noteFlags(set: number, cleared: number): void {
    this.#set = (this.#set | set) & ~cleared;
    this.#cleared = (this.#cleared | cleared) & ~set;
  }

  noteTerminal(word: number): void {
    this.#terminal = word;
  }

  noteRollout(bit: number, basisPoints: number): void {
    this.#rollouts ??= new Map();
    this.#rollouts.set(bit, basisPoints);
  }

  take<Name extends string>(table: FeatureTable): ConfigChange<Name> | undefined {
    // The generation is read first, so the state is never older than it says.
    const generation = readGeneration(this.#page);
    const before = this.#seen;
    const now = readPageState(this.#page, before);
    if (now === before) return undefined;
    const { enabled, disabled, terminal, rollouts } = compareStates(table, before, now);
    const flips = before.flags ^ now.flags;
    const own = (this.#set & now.flags) | (this.#cleared & ~now.flags);
    const local =
      (flips & ~own) === 0 &&
      (terminal === undefined || sameTerminal(this.#terminal, now)) &&
      (rollouts === undefined || this.#hasSetRollouts(before, now));
    this.#seen = now;
    this.#set = 0;
    this.#cleared = 0;
    this.#terminal = undefined;
    this.#rollouts = undefined;
    const change: Mutable<ConfigChange> = { enabled, disabled, generation, local };
    if (terminal) change.terminal = terminal;
    if (rollouts) change.rollouts = rollouts;
    return change as ConfigChange<Name>;
  }

  #hasSetRollouts(before: State, now: State): boolean {
    const isOwn = (rollout: number, bit: number) =>
      rollout === before.rollouts?.[bit] || rollout === this.#rollouts?.get(bit);
    return now.rollouts?.every(isOwn) ?? false;
  }
}

function sameTerminal(word: number | undefined, { terminal }: State): boolean {
  if (word === undefined) return false;
  const own = unpackTerminal(word);
  return own.mode === terminal.mode && own.rows === terminal.rows && own.cols === terminal.cols;
}

interface Listener {
  /** Something has changed. */
  readonly notify: () => void;
  /** The config was closed. */
  readonly end: () => void;
}

/** A place to take changes from. */
export interface ChangeSource<Name extends string> {
  /** What has changed since it was last taken; `undefined` when the state is the same. */
  take(): ConfigChange<Name> | undefined;
  /** Ends it. */
  stop(): void;
}

/** Everyone who listens to a config. The page is watched while anybody does. */
export class Listening<Name extends string> {
  readonly #page: Page;
  readonly #table: () => FeatureTable;
  readonly #listeners = new Map<ChangeTracker, Listener>();
  #watch: PageWatch | undefined;
  #keepAlive: Timer | undefined;
  #lag: NativeLag | undefined;
  /** Changes that were taken, by whether they are all of this config. */
  readonly delivered = { local: 0, foreign: 0 };

  /** `table` gives the feature table of the moment. */
  constructor(page: Page, table: () => FeatureTable) {
    this.#page = page;
    this.#table = table;
  }

  /** Calls `notify` when something changed from now on, and `end` when the config is closed. */
  open(notify: () => void, end: () => void): ChangeSource<Name> {
    this.#watch ??= this.#start();
    // Made after the watch, so no change falls between the two.
    const tracker = new ChangeTracker(this.#page);
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

  noteFlags(set: number, cleared: number): void {
    for (const tracker of this.#listeners.keys()) tracker.noteFlags(set, cleared);
  }

  noteTerminal(word: number): void {
    for (const tracker of this.#listeners.keys()) tracker.noteTerminal(word);
  }

  noteRollout(bit: number, basisPoints: number): void {
    for (const tracker of this.#listeners.keys()) tracker.noteRollout(bit, basisPoints);
  }

  /** Listening alone lets the process end, unless it is held. */
  hold(held: boolean): void {
    stopTimer(this.#keepAlive);
    this.#keepAlive = held ? startInterval(() => {}, LONGEST_DELAY) : undefined;
  }

  /** Why other processes have no way to tell of their changes at the moment, which are then noticed by looking. */
  get problem(): string | undefined {
    return this.#watch?.problem;
  }

  /** How long after changes listeners got their turn; `undefined` before the first listener. */
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
    // A map's loop leaves out what is removed meanwhile, as when one listener removes another.
    for (const { notify } of this.#listeners.values()) callListener(notify);
  }
}

/** Calls a listener. What it throws is an uncaught exception, and keeps no other listener from being called. */
export function callListener(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    throwLater(error);
  }
}

/** Milliseconds: the most that timers take. */
const LONGEST_DELAY = 2 ** 31 - 1;
