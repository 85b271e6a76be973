import type { Edits } from '../core/draft';
import type { FeatureTable } from '../core/feature-table';
import { featureTable, tableOfPage } from '../core/feature-tables';
import {
  guard,
  native,
  type NativeActivity,
  type NativeAnswer,
  type NativeBackup,
  type NativeBackupProgress,
  type NativeConfigMetrics,
  type NativeEnvironments,
  type NativeFailure,
  type NativeFileState,
  type NativeGiven,
  type NativeHistoryEnd,
  type NativeLag,
  type NativeNotes,
  type NativePage,
  type NativePruneProgress,
  type NativeRetired,
  type NativeRevision,
  type NativeStartup,
  type NativeStore,
  type NativeStoreMetrics,
  type NativeVerifier,
  type NativeVerifyProgress,
  resultOf,
  settle,
} from './binding';

/** Recorded with a rollback or promotion. */
export interface CheckedRestore {
  /** Default: the core describes the operation. */
  readonly reason: string | undefined;
  readonly actor: string;
  readonly ifRevision: number | undefined;
}

/** Revisions, and the feature table of the database when they were read. */
export interface StoreAnswer {
  readonly table: FeatureTable;
  readonly revisions: readonly NativeRevision[];
}

/** A config's hold on the database of its history, for one environment. */
export class Store {
  readonly path: string;
  readonly environment: string;
  readonly #native: NativeStore;
  readonly #running = new Set<Promise<unknown>>();
  /** The persists of this turn of the event loop, in the order in which the core answers them. */
  #turn: { resolve: (answer: StoreAnswer) => void; reject: (error: unknown) => void }[] = [];
  /** The feature table of the last answer; the first answer brings it. */
  #table = featureTable({ names: [], retired: [], changes: 0, registryHashes: [] });
  /** The same for `persistSync`, which overtakes answers that are queued in the event loop. */
  #tableAtOnce = this.#table;

  /** Opens the database, or joins this process's store of the same file. With `mustExist` it is never created. */
  constructor(path: string, environment: string, readOnly: boolean, mustExist = false) {
    this.environment = environment;
    this.#native = native.openStore(path, readOnly, mustExist);
    this.path = this.#native.path;
  }

  /** Registers the features and opens the page: with `live` the one that processes share. */
  openPage(startup: NativeStartup, live: boolean): NativePage {
    return guard(() => this.#native.openPage(startup, live))();
  }

  /** Has others' revisions put on the page from now on. */
  follow(page: number): void {
    guard(() => this.#native.follow(page, this.environment))();
  }

  /** What programs have said of the feature with this bit. */
  notes(bit: number): NativeNotes {
    return guard(() => this.#native.notes(bit))();
  }

  /** Whether the page's bits belong to the names that the database has now. */
  hasNamesOf(page: number): boolean {
    return guard(() => this.#native.hasNamesOf(page))();
  }

  /** Forgets the retired names, and returns them. Nobody else may have the database open. */
  compact(actor: string): string[] {
    return guard(() => this.#native.compact(actor))();
  }

  /** The retired names, the longest retired first. */
  retired(): NativeRetired[] {
    return guard(() => this.#native.retired())();
  }

  /** Retires the features with these bits, and records that. They have to be off everywhere, unless it is `forced`. */
  retire(
    page: number,
    bits: number[],
    forced: boolean,
    { reason, actor, ifRevision }: CheckedRestore,
  ): Promise<StoreAnswer> {
    return this.#ask(() => this.#native.retire(page, this.environment, bits, forced, reason, actor, ifRevision));
  }

  /** Takes that back, and records it. */
  revive(page: number, bits: number[], { reason, actor, ifRevision }: CheckedRestore): Promise<StoreAnswer> {
    return this.#ask(() => this.#native.revive(page, this.environment, bits, reason, actor, ifRevision));
  }

  /** The feature table of the database as last seen. */
  features(page: number): FeatureTable {
    return tableOfPage(guard(() => this.#native.features(page))());
  }

  /**
   * Persists the current state of the page; with `unlessSame`, only if the last revision does not hold the same. All
   * persists of one turn are submitted together, so they share a transaction and its sync to disk.
   */
  persist(
    page: number,
    reason: string,
    actor: string,
    ifRevision: number | undefined,
    unlessSame = false,
  ): Promise<StoreAnswer> {
    return new Promise((resolve, reject) => {
      guard(() => this.#native.persist(page, this.environment, reason, actor, unlessSame, ifRevision))();
      if (this.#turn.length === 0) void this.#endTurn();
      this.#turn.push({ resolve, reject });
    });
  }

  /** The same, but blocking. Persists that were submitted before come first. */
  persistSync(page: number, reason: string, actor: string, ifRevision: number | undefined): StoreAnswer {
    const persist = () => this.#native.persistSync(page, this.environment, reason, actor, ifRevision);
    const answer = resultOf(guard(persist)());
    const { names, revisions } = answer;
    if (names) this.#tableAtOnce = featureTable({ ...answer, names });
    return { table: this.#tableAtOnce, revisions };
  }

  load(page: number): Promise<StoreAnswer> {
    return this.#ask(() => this.#native.load(page, this.environment));
  }

  rollback(page: number, to: number | undefined, { reason, actor, ifRevision }: CheckedRestore): Promise<StoreAnswer> {
    return this.#ask(() => this.#native.rollback(page, this.environment, to, reason, actor, ifRevision));
  }

  promote(page: number, from: string, { reason, actor, ifRevision }: CheckedRestore): Promise<StoreAnswer> {
    return this.#ask(() => this.#native.promote(page, from, this.environment, reason, actor, ifRevision));
  }

  /** Sets the page to a given state, and records it unless the last revision holds the same. */
  apply(
    page: number,
    given: NativeGiven,
    reason: string,
    actor: string,
    ifRevision: number | undefined,
  ): Promise<StoreAnswer> {
    return this.#ask(() => this.#native.apply(page, this.environment, given, reason, actor, ifRevision));
  }

  /** Makes changes of single units, and records them. */
  commit(
    page: number,
    edits: Edits,
    reason: string,
    actor: string,
    ifRevision: number | undefined,
  ): Promise<StoreAnswer> {
    return this.#ask(() => this.#native.commit(page, this.environment, edits, reason, actor, ifRevision));
  }

  history(limit: number, before: number | undefined): Promise<StoreAnswer> {
    return this.#ask(() => this.#native.history(this.environment, limit, before));
  }

  compare(from: number, to: number): Promise<StoreAnswer> {
    return this.#ask(() => this.#native.compare(this.environment, from, to));
  }

  /** A check of the history, which `verify` continues. */
  verifier(expectedHead: number[] | undefined): NativeVerifier {
    return native.newVerifier(this.environment, expectedHead);
  }

  verify(verifier: NativeVerifier): Promise<NativeVerifyProgress> {
    return this.#call(() => this.#native.verify(verifier));
  }

  prune(page: number, keep: number, actor: string): Promise<NativePruneProgress> {
    return this.#call(() => this.#native.prune(page, this.environment, keep, actor));
  }

  backUp(backup: NativeBackup): Promise<NativeBackupProgress> {
    return this.#call(() => this.#native.backUp(backup));
  }

  historyEnd(page: number): Promise<NativeHistoryEnd> {
    return this.#call(() => this.#native.historyEnd(page, this.environment));
  }

  environments(): Promise<NativeEnvironments> {
    return this.#call(() => this.#native.environments());
  }

  lookAtFiles(): Promise<NativeFileState> {
    return this.#call(() => this.#native.lookAtFiles(this.environment));
  }

  activity(): NativeActivity {
    return guard(() => this.#native.activity())();
  }

  /** The metrics of the store, and of the persists in this environment. */
  metrics(): NativeStoreMetrics {
    return guard(() => this.#native.metrics(this.environment))();
  }

  /** The same as text, with the figures of a config. */
  metricsText(config: NativeConfigMetrics, lag: NativeLag | undefined): string {
    return guard(() => this.#native.metricsText(config, lag))();
  }

  /** Runs work that takes many calls. The database stays open until it ends. */
  async whileOpen<T>(work: () => Promise<T>): Promise<T> {
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /**
   * Releases the database. Resolves when all operations are done and, if no other config uses the file, it is closed.
   */
  async close(): Promise<void> {
    if (this.#running.size > 0) await Promise.allSettled(this.#running);
    await this.#call(() => this.#native.close());
  }

  async #ask(start: () => Promise<NativeFailure | NativeAnswer>): Promise<StoreAnswer> {
    return this.#toAnswer(await this.#call(start));
  }

  #toAnswer(answer: NativeAnswer): StoreAnswer {
    const { names, revisions } = answer;
    if (names) this.#table = featureTable({ ...answer, names });
    return { table: this.#table, revisions };
  }

  #call<Outcome extends object>(start: () => Promise<NativeFailure | Outcome>): Promise<Outcome> {
    return settle(guard(start)());
  }

  /** Submits the persists of this turn when the running code has returned. */
  async #endTurn(): Promise<void> {
    // Not with `queueMicrotask`, which tests replace with a function that does nothing.
    await undefined;
    const turn = this.#turn;
    this.#turn = [];
    try {
      const outcomes = await guard(() => this.#native.wake())();
      // Without a further promise for each: that would be a twentieth of the time that many persists take.
      turn.forEach(({ resolve, reject }, index) => {
        try {
          resolve(this.#toAnswer(resultOf(outcomes[index]!)));
        } catch (error) {
          reject(error);
        }
      });
    } catch (error) {
      turn.forEach(({ reject }) => reject(error));
    }
  }
}
