import { checkBoolean, checkInteger, isThenable } from './core/checks';
import { DraftChanges } from './core/draft';
import { type EmitterMethod, inheritFromEmitter } from './core/event-emitter';
import { makeError, printable, show, wrongThis } from './core/errors';
import { type DirectReads, FeatureOfConfig } from './core/feature';
import { type FeatureTable, namesOf, prefixOf, tableOfPage } from './core/feature-table';
import {
  FULL_ROLLOUT,
  RECORD_VERSION,
  WORD_FEATURE_FLAGS,
  WORD_HEADER,
  WORD_REGISTRY_HASH,
  WORD_TERMINAL,
} from './core/layout';
import type { Internals, OnDemand, Parts } from './internals';
import { loadOnDemand, loadOnDemandSoon } from './load-on-demand';
import { loadWord } from './core/load-word';
import { maskOf, NO_NAMES } from './core/name-index';
import { native } from './native/binding';
import {
  announce,
  compareExchangeState,
  exchangeRollout,
  exchangeState,
  isLive,
  joinState,
  type Page,
  readNameCount,
  readRecord,
  readRollout,
  readState,
  releasePage,
  splitState,
} from './core/page';
import { now } from './core/real-timers';
import {
  checkCols,
  checkReserved,
  checkRows,
  checkTerminalMode,
  checkU32,
  ConfigCore13Byte,
  copyRecord,
  toHex,
} from './core/record';
import { checkKey, checkPercent, rolloutBucket, toPercent } from './core/rollout';
import type { StoreAnswer } from './native/store';
import { packTerminal, unpackTerminal } from './core/terminal';
import type {
  BackupOptions,
  BackupResult,
  ConfigChange,
  ConfigDiff,
  ConfigHandle,
  ConfigState,
  DebugView,
  DefaultFeature,
  Feature,
  Health,
  HistoryEntry,
  Metrics,
  PruneOptions,
  PruneResult,
  RecordBytes,
  RestoreOptions,
  RevisionOptions,
  TerminalSettings,
  UpdateDraft,
  Validation,
  Verification,
  VerifyOptions,
} from './types';

/** Gives back the pages of configs that were dropped without `close()`. */
const abandoned = new FinalizationRegistry<Page>(releasePage);

/** What the config that is being made is made of, for its fields. */
let incoming: Parts | undefined;

/** @internal Makes a config, or one of a subclass. */
export function makeConfig(
  parts: Parts,
  Class: new () => ProductionConfig<any> = ProductionConfig,
): ProductionConfig<any> {
  incoming = parts;
  return new Class();
}

function takeParts(): Parts {
  if (!incoming) throw makeError('ERR_INVALID_TYPE', 'Use createProductionConfig() to make a config');
  return incoming;
}

/** The error of a method that was called on something else than a config. */
function notAConfig(self: unknown): Error {
  return wrongThis(self, 'config.isFeatureEnabled.bind(config)');
}

/**
 * A configuration: feature flags by name, terminal settings, and their history.
 *
 * Reads and flips are one atomic operation on shared memory. They never call native code, and they never wait.
 * Everything about the history returns a promise.
 *
 * @example
 * const config = createProductionConfig({ persistPath: './config.db' });
 * config.enableFeature('metrics');
 * if (config.isFeatureEnabled('metrics')) startMetrics();
 * await config.persist('metrics on');
 * await config.close();
 */
export class ProductionConfig<in Name extends string = DefaultFeature> {
  // Set where they are declared and, as long as it is open, never again: engines then take what an only config holds for
  // constant, which reads of flags gain a quarter by. What the hot methods need stands in fields of its own.
  readonly #page = takeParts().page;
  readonly #words = this.#page.views.words;
  readonly #base = this.#page.base;
  readonly #settings = takeParts().settings;
  // A closed config has no names, so that its hot methods end in the slow path, which tells why.
  #table = takeParts().table;
  #names = this.#table.index;
  #writableNames = this.#settings.readOnly ? NO_NAMES : this.#table.index;
  #directReads: DirectReads | undefined;
  #onDemand: OnDemand<any> | undefined;
  #closing: Promise<void> | undefined;
  /** Changes made through this config. */
  #writes = 0;
  /** Milliseconds; whole ones take no memory of their own. */
  readonly #createdAt = Math.trunc(now());

  /** @internal Use {@link createProductionConfig}. */
  constructor() {
    incoming = undefined;
    abandoned.register(this, this.#page);
    // It has to hear of the first change.
    if (this.#settings.autoPersistMs !== undefined) ProductionConfig.#onDemandOf(this);
    // It may need them at its end, when the package was replaced or no descriptor is left.
    else if (this.#settings.store || this.#settings.clusterSync) loadOnDemandSoon();
  }

  // ---- Features -----------------------------------------------------------------------------------------------

  /**
   * Whether a feature is on. One atomic read.
   *
   * @throws ConfigError `ERR_UNKNOWN_FEATURE` with the names there are.
   */
  isFeatureEnabled(name: Name): boolean {
    if (this == null || !(#names in this)) throw notAConfig(this);
    const mask = maskOf(this.#names, name);
    if (mask !== 0) return (loadWord(this.#words, this.#base + WORD_FEATURE_FLAGS) & mask) !== 0;
    return this.#isOnSlowly(name);
  }

  /**
   * Turns a feature on, for everyone who shares this config's memory. Flips of other features that happen at the same
   * time are never lost.
   *
   * @returns Whether this call changed anything.
   * @throws ConfigError `ERR_UNKNOWN_FEATURE` with the names there are.
   */
  enableFeature(name: Name): boolean {
    if (this == null || !(#names in this)) throw notAConfig(this);
    const mask = maskOf(this.#writableNames, name) || this.#findWritableMask(name);
    const before = Atomics.or(this.#words, this.#base + WORD_FEATURE_FLAGS, mask);
    if ((before & mask) !== 0) return false;
    this.#flagsChanged(mask, 0);
    return true;
  }

  /**
   * Turns a feature off, for everyone who shares this config's memory.
   *
   * @returns Whether this call changed anything.
   * @throws ConfigError `ERR_UNKNOWN_FEATURE` with the names there are.
   */
  disableFeature(name: Name): boolean {
    if (this == null || !(#names in this)) throw notAConfig(this);
    const mask = maskOf(this.#writableNames, name) || this.#findWritableMask(name);
    const before = Atomics.and(this.#words, this.#base + WORD_FEATURE_FLAGS, ~mask);
    if ((before & mask) === 0) return false;
    this.#flagsChanged(0, mask);
    return true;
  }

  /**
   * Turns a feature on or off.
   *
   * @returns Whether this call changed anything.
   * @throws TypeError `ERR_INVALID_TYPE` when `on` is not a boolean.
   */
  setFeature(name: Name, on: boolean): boolean {
    if (this == null || !(#names in this)) throw notAConfig(this);
    return checkBoolean(on, 'feature value') ? this.enableFeature(name) : this.disableFeature(name);
  }

  /** Turns a feature around in one atomic step, and returns whether it is on now. */
  toggleFeature(name: Name): boolean {
    if (this == null || !(#names in this)) throw notAConfig(this);
    const mask = maskOf(this.#writableNames, name) || this.#findWritableMask(name);
    const before = Atomics.xor(this.#words, this.#base + WORD_FEATURE_FLAGS, mask);
    const isOn = (before & mask) === 0;
    this.#flagsChanged(isOn ? mask : 0, isOn ? 0 : mask);
    return isOn;
  }

  /**
   * One feature, for code that asks about it again and again.
   *
   * @example
   * const beta = config.feature('beta_feature');
   * if (beta.enabled) showBeta();
   */
  feature<Own extends Name>(name: Own): Feature<Own> {
    if (this == null || !(#names in this)) throw notAConfig(this);
    const mask = this.#maskOf(name);
    this.#directReads ??= { allowed: this.#settings.stopwatch === undefined };
    return new FeatureOfConfig<Own>(this, name, mask, this.#page, this.#directReads);
  }

  // ---- Rollouts -----------------------------------------------------------------------------------------------

  /**
   * Whether a feature is on for this key, such as the id of a user: it has to be on, and the key among the per cent of
   * all keys that it is rolled out to. The same key gives the same answer until the rollout changes, on every machine,
   * and a rollout that is raised only adds keys.
   *
   * @param key - Not empty. ASCII is fastest.
   * @throws ConfigError `ERR_UNKNOWN_FEATURE`; TypeError `ERR_INVALID_TYPE` and RangeError `ERR_INVALID_VALUE` for what
   *   is no key, whatever the rollout.
   * @example
   * if (config.isFeatureEnabledFor('beta_feature', user.id)) showBeta();
   */
  isFeatureEnabledFor(name: Name, key: string): boolean {
    // With anything more in it, such as a check of `this`, JavaScriptCore compiles some of what it calls apart.
    return this.#isOnFor(maskOf(this.#names, name) || this.#findMask(name), key);
  }

  /** Per cent of all keys that a feature is on for while it is on, 0 to 100. 100 unless it was set. */
  getRollout(name: Name): number {
    if (this == null || !(#names in this)) throw notAConfig(this);
    const mask = this.#maskOf(name);
    return toPercent(readRollout(this.#page, 31 - Math.clz32(mask)));
  }

  /**
   * Rolls a feature out to a part of all keys, for everyone who shares this config's memory. It does not turn the feature
   * on or off. Like flips it is kept by the next {@link ProductionConfig.persist}, and a rollback brings it back.
   *
   * @param percent - 0 to 100 in steps of 0.01.
   * @returns Whether this call changed anything.
   * @throws RangeError `ERR_OUT_OF_RANGE`, such as `Invalid rollout: 100.001 (must be 0-100 per cent in steps of 0.01)`.
   * @example
   * config.setRollout('beta_feature', 10);
   * config.enableFeature('beta_feature');
   * await config.persist('beta for a tenth');
   */
  setRollout(name: Name, percent: number): boolean {
    if (this == null || !(#names in this)) throw notAConfig(this);
    const mask = maskOf(this.#writableNames, name) || this.#findWritableMask(name);
    const basisPoints = checkPercent(percent);
    const bit = 31 - Math.clz32(mask);
    if (exchangeRollout(this.#page, bit, basisPoints) === basisPoints) return false;
    this.#announce();
    this.#onDemand?.noteRollout(bit, basisPoints);
    return true;
  }

  // ---- Lists --------------------------------------------------------------------------------------------------

  /** The names of the features that are on, in bit order. */
  getEnabledFeatures<Own extends Name = Name>(): Own[] {
    ProductionConfig.#checkOpen(this);
    return namesOf(this.#currentTable(), this.featureFlags) as Own[];
  }

  /** The names of all features, in bit order. In a database that others use too, this includes theirs. */
  getFeatureNames(): string[] {
    ProductionConfig.#checkOpen(this);
    return [...this.#currentTable().names];
  }

  // ---- Several changes at once --------------------------------------------------------------------------------

  /**
   * Makes several changes at once: others see all of them or none. When `edit` throws, nothing has changed.
   *
   * @param edit - Says what to change, right away; it must not be an async function.
   * @returns Whether anything changed.
   * @example
   * config.update((draft) => {
   *   draft.enable('metrics', 'caching');
   *   draft.disable('debug');
   *   draft.terminal(2, 50, 120);
   * });
   */
  update(edit: (draft: UpdateDraft<Name>) => void): boolean {
    ProductionConfig.#checkWritable(this);
    if (typeof edit !== 'function') {
      throw makeError('ERR_INVALID_TYPE', `Invalid update: ${show(edit)} (must be a function)`);
    }
    const changes = new DraftChanges<Name>((name) => this.#maskOf(name));
    let returned: unknown;
    try {
      returned = edit(changes);
    } finally {
      changes.end();
    }
    if (isThenable(returned)) {
      // Its outcome is of no interest, but it must not end the process as an unhandled rejection.
      returned.then(undefined, () => {});
      throw makeError(
        'ERR_INVALID_TYPE',
        'Invalid update: an async function (must make its changes before it returns)',
      );
    }
    return this.#exchange((flags, terminal) => changes.apply(flags, terminal));
  }

  /**
   * Takes flags and terminal settings from a 13-byte record, as one change. The record may come from elsewhere, so any
   * values are taken, and {@link ProductionConfig.validate} tells what is wrong with them. Its version and registry
   * hash describe where it came from and are not taken.
   *
   * @throws RangeError `ERR_BUFFER_LENGTH`: `Buffer must be exactly 13 bytes`.
   */
  updateFromBuffer(bytes: RecordBytes): void {
    const fields = new DataView(copyRecord(bytes).buffer);
    ProductionConfig.#checkWritable(this);
    const state = joinState(fields.getUint32(5, true), fields.getUint32(9, true));
    const before = exchangeState(this.#page, state);
    if (before !== state) this.#stateChanged(before, state);
  }

  // ---- Terminal -----------------------------------------------------------------------------------------------

  /**
   * Sets mode, rows and columns at once.
   *
   * @param mode - 0 disabled, 1 cooked, 2 raw, 3 pipe.
   * @param rows - 1–255.
   * @param cols - 1–255.
   * @throws RangeError `ERR_OUT_OF_RANGE`, such as `Invalid rows: 0 (must be 1-255)`.
   */
  setTerminalSettings(mode: number, rows: number, cols: number): void {
    const word = packTerminal(mode, rows, cols);
    ProductionConfig.#checkWritable(this);
    const before = Atomics.exchange(this.#words, this.#base + WORD_TERMINAL, word);
    if (before !== word) this.#terminalChanged(word);
  }

  /** Mode, rows and columns, read at once. */
  getTerminalSettings(): TerminalSettings {
    return unpackTerminal(ProductionConfig.#wordOf(this, WORD_TERMINAL));
  }

  // ---- Fields of the record -----------------------------------------------------------------------------------

  /** Record format, 1. */
  get version(): number {
    return ProductionConfig.#wordOf(this, WORD_HEADER) >>> 24;
  }

  set version(version: number) {
    ProductionConfig.#checkWritable(this);
    checkInteger(version, 'version', RECORD_VERSION, RECORD_VERSION);
  }

  /** Hash of the feature names, 0 to 2^32 − 1. It describes the record and decides nothing. */
  get registryHash(): number {
    return ProductionConfig.#wordOf(this, WORD_REGISTRY_HASH) >>> 0;
  }

  set registryHash(hash: number) {
    const word = checkU32(hash, 'registry hash') | 0;
    ProductionConfig.#checkWritable(this);
    const before = Atomics.exchange(this.#words, this.#base + WORD_REGISTRY_HASH, word);
    if (before !== word) this.#announce();
  }

  /**
   * All flags as a number, 0 to 2^32 − 1. What `|=` makes of bit 31 is negative, and refused: write
   * `(flags | x) >>> 0`. Both read and write in two steps: where others write too, use
   * {@link ProductionConfig.update}.
   */
  get featureFlags(): number {
    return ProductionConfig.#wordOf(this, WORD_FEATURE_FLAGS) >>> 0;
  }

  set featureFlags(flags: number) {
    const word = checkU32(flags, 'feature flags') | 0;
    ProductionConfig.#checkWritable(this);
    const unknown = (word & ~this.#currentTable().all) >>> 0;
    if (unknown !== 0) {
      const bits = `0x${unknown.toString(16).padStart(8, '0')}`;
      throw makeError('ERR_OUT_OF_RANGE', `Invalid feature flags: no feature owns the bits ${bits}`);
    }
    const before = Atomics.exchange(this.#words, this.#base + WORD_FEATURE_FLAGS, word);
    if (before !== word) this.#flagsChanged(word & ~before, before & ~word);
  }

  /** 0 disabled, 1 cooked, 2 raw, 3 pipe. */
  get terminalMode(): number {
    return ProductionConfig.#wordOf(this, WORD_TERMINAL) & 0xff;
  }

  set terminalMode(mode: number) {
    ProductionConfig.#setTerminalByte(this, 0, checkTerminalMode(mode));
  }

  /** Rows of the terminal, 1–255. */
  get rows(): number {
    return (ProductionConfig.#wordOf(this, WORD_TERMINAL) >>> 8) & 0xff;
  }

  set rows(rows: number) {
    ProductionConfig.#setTerminalByte(this, 8, checkRows(rows));
  }

  /** Columns of the terminal, 1–255. */
  get cols(): number {
    return (ProductionConfig.#wordOf(this, WORD_TERMINAL) >>> 16) & 0xff;
  }

  set cols(cols: number) {
    ProductionConfig.#setTerminalByte(this, 16, checkCols(cols));
  }

  /** Kept for later formats, 0. */
  get reserved(): number {
    return ProductionConfig.#wordOf(this, WORD_TERMINAL) >>> 24;
  }

  set reserved(reserved: number) {
    ProductionConfig.#setTerminalByte(this, 24, checkReserved(reserved));
  }

  /**
   * Whether the state is shared with every process that opens the same database and environment, by `enableClusterSync`.
   *
   * @example
   * const config = createProductionConfig({ persistPath: './config.db', enableClusterSync: 'if-live', readOnly: true });
   * console.log(config.live ? 'what programs run with' : 'what is persisted');
   */
  get live(): boolean {
    ProductionConfig.#checkOpen(this);
    return this.#settings.clusterSync;
  }

  /** The environment whose history this config reads and writes. */
  get environment(): string {
    if (this == null || !(#names in this)) throw notAConfig(this);
    return this.#settings.environment;
  }

  // ---- Views --------------------------------------------------------------------------------------------------

  /** The 13 bytes. Flags and terminal settings are always of one moment. */
  toBytes(): Uint8Array {
    ProductionConfig.#checkOpen(this);
    return readRecord(this.#page);
  }

  /** The 13 bytes as `0x` and 26 hexadecimal digits. */
  toHex(): string {
    ProductionConfig.#checkOpen(this);
    return toHex(this.toBytes());
  }

  /** An independent copy of the record. */
  getCore(): ConfigCore13Byte {
    ProductionConfig.#checkOpen(this);
    return new ConfigCore13Byte(this.toBytes());
  }

  /**
   * The state page as a `SharedArrayBuffer` of 128 bytes, for code that shares it with worker threads by itself.
   * `undefined` in runtimes that cannot share native memory (see the README's table). Its layout is in
   * `docs/memory.md`; write to it only through `Atomics`.
   */
  get sharedBuffer(): SharedArrayBuffer | undefined {
    ProductionConfig.#checkOpen(this);
    return ProductionConfig.#onDemandOf(this).sharedBuffer;
  }

  /**
   * The state for people to read. While nothing changes this is the same frozen object, except with `debugMode`,
   * where it also has the timings of the operations.
   */
  getDebugView<Own extends Name = Name>(): DebugView<Own> {
    ProductionConfig.#checkOpen(this);
    return ProductionConfig.#onDemandOf(this).getDebugView();
  }

  /**
   * The state by name, without what belongs to this database alone: for a file, or for another config's
   * {@link ProductionConfig.apply}. Flags and terminal are of one moment, rollouts are read right after.
   *
   * @example
   * await writeFile('flags.json', JSON.stringify(config.getState()));
   */
  getState<Own extends Name = Name>(): ConfigState<Own> {
    ProductionConfig.#checkOpen(this);
    return ProductionConfig.#onDemandOf(this).getState();
  }

  /** What `JSON.stringify(config)` gives: as {@link ProductionConfig.getState}. A closed config has no state any more. */
  toJSON<Own extends Name = Name>(): ConfigState<Own> | { readonly closed: true } {
    if (this == null || !(#names in this)) throw notAConfig(this);
    return this.#closing ? { closed: true } : this.getState();
  }

  /** Checks every field of the state, and the store. */
  validate(): Validation {
    ProductionConfig.#checkOpen(this);
    return ProductionConfig.#onDemandOf(this).validate();
  }

  // ---- History ------------------------------------------------------------------------------------------------

  /**
   * Writes the state as it is at this moment to the database. When the promise resolves, it is on disk and survives
   * a crash and a power failure. Calls that follow each other without an `await` share one transaction, each with a
   * revision of its own, in call order.
   *
   * @param reason - Why, for the history; up to 1,000 characters.
   * @throws ConfigError `ERR_PERSISTENCE_DISABLED`, `ERR_REVISION_CONFLICT`, `ERR_STORE_BUSY`, `ERR_DISK_FULL` and
   *   others of `docs/errors.md`; then nothing was written.
   */
  persist(reason = 'manual', options: RevisionOptions = {}): Promise<HistoryEntry> {
    return ProductionConfig.#onDemandOf(this).history.persist(reason, options);
  }

  /**
   * As {@link ProductionConfig.persist}, but returns when the revision is on disk: for command-line tools and `exit`
   * handlers, where no promise settles any more. It blocks the event loop meanwhile, usually for as long as the disk
   * takes to sync, and up to 5 seconds while another process holds the database locked. In a server use `persist`.
   *
   * Revisions are in the order of the calls: what was persisted before is written first, and the pending persists of the
   * same stretch of JavaScript share its transaction.
   *
   * @throws The errors of `persist`; then nothing was written.
   * @example
   * process.on('exit', () => config.persistSync('state at exit'));
   */
  persistSync(reason = 'manual', options: RevisionOptions = {}): HistoryEntry {
    return ProductionConfig.#onDemandOf(this).history.persistSync(reason, options);
  }

  /**
   * Whether the live state is what the last revision holds, so that a restart would bring it back: for status pages. It
   * compares states, so it is `true` again when a change was taken back. It reads shared memory only, and neither waits
   * nor calls native code.
   *
   * The last revision is the one that this config, or any thread or process with the same live state, has persisted or
   * loaded last. What programs with a live state of their own persist counts after `load()`. `false` without a database,
   * and while nothing was persisted.
   *
   * @example
   * response.end(config.persisted ? 'saved' : 'unsaved changes');
   */
  get persisted(): boolean {
    ProductionConfig.#checkOpen(this);
    return ProductionConfig.#onDemandOf(this).persisted;
  }

  /**
   * Goes to the last persisted state. Features that the revision did not know stay as they are. With
   * `enableClusterSync` this changes the state for everyone, so a `readOnly` config must not do it there.
   *
   * @returns `false` when nothing was persisted in this environment yet.
   */
  load(): Promise<boolean> {
    return ProductionConfig.#onDemandOf(this).history.load();
  }

  /**
   * The revisions of this environment, newest first.
   *
   * @param limit - How many at most, 1–10,000. Default 50.
   * @param options - `before`: only revisions with a smaller number, to read on from the last page.
   */
  getHistory(limit = 50, options: { before?: number | undefined } = {}): Promise<HistoryEntry[]> {
    return ProductionConfig.#onDemandOf(this).history.getHistory(limit, options);
  }

  /**
   * Goes back to an earlier state, and records that as a new revision. Features that the revision did not know stay
   * as they are.
   *
   * @param revision - The revision to go back to. Default: the one before the current state, so that repeated calls
   *   walk back through the history.
   * @throws ConfigError `ERR_REVISION_NOT_FOUND`, `ERR_NOTHING_TO_ROLL_BACK`, `ERR_REVISION_CONFLICT`.
   */
  rollback(revision?: number, options: RestoreOptions = {}): Promise<HistoryEntry> {
    return ProductionConfig.#onDemandOf(this).history.rollback(revision, options);
  }

  /**
   * Goes to a given state, all of it or nothing, and records that as a new revision. Features that it leaves out stay as
   * they are. When the last revision holds the same already, none is added, and that one is returned.
   *
   * It is applied as a rollback is: after it is on disk, and whole even if this process is killed on the way.
   *
   * @param state - The terminal settings, and features with both their switch and their rollout.
   * @param reason - Why, for the history; up to 1,000 characters.
   * @throws ConfigError `ERR_UNKNOWN_FEATURE`, `ERR_REVISION_CONFLICT` and those of `persist`; RangeError and TypeError for
   *   values. Then nothing has changed.
   * @example
   * await config.apply(JSON.parse(await readFile('flags.json', 'utf8')), 'flags of release 42');
   */
  apply(state: ConfigState<Name>, reason = 'applied', options: RevisionOptions = {}): Promise<HistoryEntry> {
    return ProductionConfig.#onDemandOf(this).history.apply(state, reason, options);
  }

  /**
   * What is different between two revisions of this environment.
   *
   * @throws ConfigError `ERR_REVISION_NOT_FOUND`.
   */
  diff(from: number, to: number): Promise<ConfigDiff> {
    return ProductionConfig.#onDemandOf(this).history.diff(from, to);
  }

  /**
   * Names of the environments that have a history in this database, sorted.
   *
   * @example
   * await config.getEnvironments(); // ['production', 'staging']
   */
  getEnvironments(): Promise<string[]> {
    return ProductionConfig.#onDemandOf(this).history.getEnvironments();
  }

  /**
   * Takes over the last persisted state of another environment of the same database, and records that as a new
   * revision of this one.
   *
   * @throws ConfigError `ERR_NOTHING_TO_PROMOTE` when nothing was persisted there.
   */
  promote(fromEnvironment: string, options: RestoreOptions = {}): Promise<HistoryEntry> {
    return ProductionConfig.#onDemandOf(this).history.promote(fromEnvironment, options);
  }

  /**
   * Checks that nobody has tampered with the history, and that it is not damaged: every digest and link of **all
   * environments** of the file, what the environments say of themselves, and SQLite's own structure. Persists go on
   * meanwhile, and are not part of it.
   *
   * It resolves with what it found, however bad that is, and rejects only when the file cannot be read at all. Who can
   * write the file can compute a new chain, so keep `head` elsewhere from time to time and hand it in as
   * `expectedHead`.
   *
   * @throws ConfigError `ERR_PERSISTENCE_DISABLED`, `ERR_STORE_BUSY` and others of the database.
   * @example
   * const { ok, head, firstBroken } = await config.verify({ expectedHead: lastKnownHead });
   * if (!ok) alarm(firstBroken);
   */
  verify(options: VerifyOptions = {}): Promise<Verification> {
    return ProductionConfig.#onDemandOf(this).history.verify(options);
  }

  /**
   * Removes the oldest revisions of this environment, for good. The newest `keep` of them stay, and with the one that
   * is in effect and the one that the default `rollback()` goes to, all that came after these: so it may be more than
   * `keep`. The chain can be checked as before, from a record of the removal on, which names who did it.
   *
   * It is done some thousand revisions at a time, each in one transaction; when it fails or is aborted on the way, those
   * that are gone stay so. What would be removed is checked first, and a broken history is not removed.
   *
   * @throws ConfigError `ERR_HISTORY_BROKEN`, `ERR_STORE_BUSY`, `ERR_DISK_FULL` and others of the database.
   * @example
   * const { removed, head } = await config.prune({ keep: 10_000 });
   */
  prune(options: PruneOptions): Promise<PruneResult> {
    return ProductionConfig.#onDemandOf(this).history.prune(options);
  }

  /**
   * Copies the whole database, all environments, while everybody goes on using it. The copy is a database by itself: it
   * gets its name when it is whole and on disk, and what failed or was aborted leaves nothing behind.
   *
   * @param path - The file to make.
   * @throws ConfigError `ERR_BACKUP` when the file exists, or cannot be made there; `ERR_DISK_FULL` and others of the
   *   database.
   * @example
   * const { bytes, revisions } = await config.backup('/backup/flags.db', { overwrite: true });
   */
  backup(path: string, options: BackupOptions = {}): Promise<BackupResult> {
    return ProductionConfig.#onDemandOf(this).history.backup(path, options);
  }

  /**
   * How this config and its database are: the live state, the live file, the store, its files and disk, the last persist
   * and the end of the history. Each check has a message for people to read, with what to do.
   *
   * It answers within little more than a second, also when the database is locked, and never throws or rejects.
   *
   * @example
   * const { status, checks } = await config.healthCheck();
   * if (status !== 'ok') alarm(checks.filter((check) => check.status !== 'ok'));
   */
  healthCheck(): Promise<Health> {
    return ProductionConfig.#onDemandOf(this).healthCheck();
  }

  // ---- Metrics ------------------------------------------------------------------------------------------------

  /**
   * What this config and its database have counted and measured, for a dashboard of one's own. It makes one native call,
   * and looks at the sizes of the files of the database; reads and flips are not slowed by it, and reads are counted
   * with `debugMode` only.
   *
   * @example
   * const { writes, listenerLag, store } = config.getMetrics();
   * console.log(writes, listenerLag.p99Ms, store?.persists.latency.p99Ms, store?.walBytes);
   */
  getMetrics(): Metrics {
    ProductionConfig.#checkOpen(this);
    return ProductionConfig.#onDemandOf(this).getMetrics();
  }

  /**
   * The same as text in the format of OpenMetrics 1.0, for Prometheus and what understands its format. Names begin with
   * `config13byte_`; what each means is in `docs/operations.md`.
   *
   * @example
   * response.setHeader('content-type', 'application/openmetrics-text; version=1.0.0; charset=utf-8');
   * response.end(config.metricsText());
   */
  metricsText(): string {
    ProductionConfig.#checkOpen(this);
    return ProductionConfig.#onDemandOf(this).metricsText();
  }

  // ---- End ----------------------------------------------------------------------------------------------------

  /**
   * Ends this config: every later use of it fails with `ERR_CLOSED`. Resolves when all persists are done and the
   * database is closed. Calling it again gives the same promise.
   *
   * @throws With `autoPersist`, what a persist throws (such as `ERR_STORE_BUSY` or `ERR_DISK_FULL`) if a change could not
   *   be written. The config is closed all the same, and the change is not in the history.
   */
  close(): Promise<void> {
    if (this == null || !(#names in this)) throw notAConfig(this);
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /**
   * Ends this config without waiting. Persists that were started still settle. What {@link ProductionConfig.close} would
   * reject with is a `ConfigWarning`.
   */
  destroy(): void {
    if (this == null || !(#names in this)) throw notAConfig(this);
    // Otherwise the caller of `close` has the outcome.
    if (this.#closing) return;
    this.close().catch(({ message }: Error) => {
      process.emitWarning(`A config could not be closed properly: ${message}`, { type: 'ConfigWarning' });
    });
  }

  [Symbol.dispose](): void {
    if (this == null || !(#names in this)) throw notAConfig(this);
    this.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this == null || !(#names in this)) throw notAConfig(this);
    return this.close();
  }

  /** What `console.log(config)` shows: features and terminal, not bytes. */
  [Symbol.for('nodejs.util.inspect.custom')](
    depth: number,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ): string {
    // As `console.log(new Proxy(config, {}))` calls it.
    if (!(#names in this)) return '[ProductionConfig behind another object]';
    if (this.#closing) return 'ProductionConfig (closed)';
    if (depth < 0) return '[ProductionConfig]';
    return ProductionConfig.#onDemandOf(this).inspect(options, inspect);
  }

  // ---- Changes ------------------------------------------------------------------------------------------------

  /**
   * Calls `listener` after changes of the state, whoever made them: this config, another one in any thread or, with
   * `enableClusterSync`, in another process. A config is an `EventEmitter` with this one event. Changes in quick
   * succession may come as one; the last state is never missed. Listening does not keep the process running, see
   * {@link ProductionConfig.ref}.
   *
   * @example
   * config.on('change', ({ enabled, disabled }) => console.log({ enabled, disabled }));
   */
  on<Own extends Name = Name>(event: 'change', listener: (change: ConfigChange<Own>) => void): this {
    return ProductionConfig.#emit(this, 'on', event, listener);
  }

  /** As {@link ProductionConfig.on}, for the next change only. */
  once<Own extends Name = Name>(event: 'change', listener: (change: ConfigChange<Own>) => void): this {
    return ProductionConfig.#emit(this, 'once', event, listener);
  }

  /** As {@link ProductionConfig.on}. */
  addListener<Own extends Name = Name>(event: 'change', listener: (change: ConfigChange<Own>) => void): this {
    return ProductionConfig.#emit(this, 'addListener', event, listener);
  }

  /** As {@link ProductionConfig.on}, before the listeners there are. */
  prependListener<Own extends Name = Name>(event: 'change', listener: (change: ConfigChange<Own>) => void): this {
    return ProductionConfig.#emit(this, 'prependListener', event, listener);
  }

  /** Takes a listener away. */
  off<Own extends Name = Name>(event: 'change', listener: (change: ConfigChange<Own>) => void): this {
    return ProductionConfig.#emit(this, 'off', event, listener);
  }

  /** As {@link ProductionConfig.off}. */
  removeListener<Own extends Name = Name>(event: 'change', listener: (change: ConfigChange<Own>) => void): this {
    return ProductionConfig.#emit(this, 'removeListener', event, listener);
  }

  /** Takes all listeners away. */
  removeAllListeners(event?: 'change'): this {
    return event === undefined
      ? ProductionConfig.#emit(this, 'removeAllListeners')
      : ProductionConfig.#emit(this, 'removeAllListeners', event);
  }

  /** How many listeners there are. */
  listenerCount(event: 'change'): number {
    if (this == null || !(#names in this)) throw notAConfig(this);
    return this.#onDemand?.listenerCount(event) ?? 0;
  }

  /**
   * The changes from the first `next()` on, to be read in a loop. While the loop is busy, changes come together as one.
   * The loop ends when the config is closed, and throws the signal's reason when that is aborted. `return()` and `throw()`
   * end it at once, also while `next()` waits for a change.
   *
   * @example
   * for await (const change of config.changes({ signal })) apply(change);
   */
  changes<Own extends Name = Name>(
    options: { signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<ConfigChange<Own>, void, void> {
    return ProductionConfig.#onDemandOf(this).changes(options);
  }

  /** Keeps the process running until {@link ProductionConfig.unref} or `close()`, for programs that only listen. */
  ref(): this {
    ProductionConfig.#checkOpen(this);
    ProductionConfig.#onDemandOf(this).hold(true);
    return this;
  }

  /** Takes {@link ProductionConfig.ref} back. */
  unref(): this {
    ProductionConfig.#checkOpen(this);
    ProductionConfig.#onDemandOf(this).hold(false);
    return this;
  }

  // ---- Other threads and processes ----------------------------------------------------------------------------

  /**
   * A handle for another thread, which becomes the same config there with {@link attachConfig}. With `enableClusterSync`
   * it works in other processes, too (`buffer` cannot be sent there; leave it out or send the handle as JSON).
   *
   * @example
   * const worker = new Worker('./worker.js', { workerData: config.share() });
   */
  share<Own extends Name = Name>(): ConfigHandle<Own> {
    ProductionConfig.#checkOpen(this);
    return ProductionConfig.#onDemandOf(this).share() as ConfigHandle<Own>;
  }

  // ---- Inside -------------------------------------------------------------------------------------------------

  // Others are told first, since they have yet to wake. This thread's own listeners look when it is done.

  #flagsChanged(set: number, cleared: number): void {
    this.#announce();
    this.#onDemand?.noteFlags(set, cleared);
  }

  #terminalChanged(word: number): void {
    this.#announce();
    this.#onDemand?.noteTerminal(word);
  }

  #stateChanged(before: bigint, after: bigint): void {
    this.#announce();
    this.#onDemand?.noteState(before, after);
  }

  #announce(): void {
    this.#writes += 1;
    announce(this.#words, this.#base, this.#page.handle);
    this.#onDemand?.noteChange();
  }

  static #wordOf(config: ProductionConfig<any>, index: number): number {
    ProductionConfig.#checkOpen(config);
    return loadWord(config.#words, config.#base + index);
  }

  /** Replaces flags and terminal by what `next` makes of them, in one step that nobody else's change comes between. */
  #exchange(next: (flags: number, terminal: number) => [flags: number, terminal: number]): boolean {
    const page = this.#page;
    let state = readState(page);
    for (;;) {
      const { flags, terminal } = splitState(state);
      const wanted = joinState(...next(flags, terminal));
      const before = compareExchangeState(page, state, wanted);
      if (before === state) {
        if (wanted === state) return false;
        this.#stateChanged(state, wanted);
        return true;
      }
      state = before;
    }
  }

  static #setTerminalByte(config: ProductionConfig<any>, shift: number, value: number): void {
    ProductionConfig.#checkWritable(config);
    config.#exchange((flags, terminal) => [flags, (terminal & ~(0xff << shift)) | (value << shift)]);
  }

  /** A function of its own, since in a larger one JavaScriptCore would call the look-up of the name. */
  #isOnFor(mask: number, key: string): boolean {
    if (typeof key !== 'string' || key === '') checkKey(key);
    const words = this.#words;
    const flags = this.#base + WORD_FEATURE_FLAGS;
    const bit = 31 - Math.clz32(mask);
    const isOn = (loadWord(words, flags) & mask) !== 0;
    const rollout = isOn ? readRollout(this.#page, bit) : 0;
    if (rollout === 0 || rollout >= FULL_ROLLOUT) {
      // What is no key is refused here too: it must not begin to fail when the rollout changes.
      if (!key.isWellFormed()) checkKey(key);
      if (rollout === 0) return false;
    } else if (rolloutBucket(prefixOf(this.#table, bit), key) >= rollout) {
      return false;
    }
    // Once more: a rollback turns a feature off before it changes its rollout, so that rollout belongs to this switch.
    return (loadWord(words, flags) & mask) !== 0;
  }

  /**
   * A read of a name that the index does not have. A method of its own: JavaScriptCore compiles what has run once into what
   * calls it, and where unknown names were refused, reads would take twice as long from then on.
   */
  #isOnSlowly(name: string): boolean {
    return (loadWord(this.#words, this.#base + WORD_FEATURE_FLAGS) & this.#findMask(name)) !== 0;
  }

  #maskOf(name: string): number {
    return maskOf(this.#names, name) || this.#findMask(name);
  }

  /** Finishes what a hot method could not: finds a name that others have added since, or says why there is none. */
  #findMask(name: unknown): number {
    ProductionConfig.#checkOpen(this);
    if (typeof name !== 'string') {
      throw makeError('ERR_INVALID_TYPE', `Invalid feature name: ${show(name)} (must be a string)`);
    }
    const table = this.#currentTable();
    const mask = maskOf(table.index, name) || table.index.others.get(name);
    if (mask) return mask;
    throw makeError('ERR_UNKNOWN_FEATURE', `Unknown feature: ${printable(name)}. Available: ${table.names.join(', ')}`);
  }

  #findWritableMask(name: unknown): number {
    ProductionConfig.#checkWritable(this);
    return this.#findMask(name);
  }

  /** The table, with the names that other processes have added to a live page. */
  #currentTable(): FeatureTable {
    const page = this.#page;
    if (isLive(page) && readNameCount(page) > this.#table.names.length) {
      this.#useTable(tableOfPage(native.pageFeatures(page.handle)));
    }
    return this.#table;
  }

  #useTable(table: FeatureTable): void {
    this.#table = table;
    this.#names = table.index;
    this.#writableNames = this.#settings.readOnly ? NO_NAMES : table.index;
    this.#onDemand?.forgetViews();
  }

  // What public methods begin with. They are static, since a private method of something that is no config cannot be called.

  static #checkOpen(config: ProductionConfig<any>): void {
    if (config == null || !(#names in config)) throw notAConfig(config);
    if (config.#closing) {
      throw makeError('ERR_CLOSED', 'This config is closed. Create another one to go on');
    }
  }

  static #checkWritable(config: ProductionConfig<any>): void {
    ProductionConfig.#checkOpen(config);
    if (config.#settings.readOnly) {
      throw makeError('ERR_READ_ONLY', 'This config was created with readOnly, so it cannot be changed');
    }
  }

  static #emit<Config extends ProductionConfig<any>>(
    config: Config,
    method: EmitterMethod,
    ...args: unknown[]
  ): Config {
    ProductionConfig.#onDemandOf(config).emit(method, args);
    return config;
  }

  /** Everything but features and terminal, which most programs do not need to start. */
  static #onDemandOf(config: ProductionConfig<any>): OnDemand<any> {
    if (config == null || !(#names in config)) throw notAConfig(config);
    config.#onDemand ??= new (loadOnDemand().OnDemandParts)(config.#internals());
    return config.#onDemand;
  }

  #internals(): Internals {
    return {
      config: this,
      page: this.#page,
      settings: this.#settings,
      isClosed: () => this.#closing !== undefined,
      checkOpen: () => ProductionConfig.#checkOpen(this),
      checkWritable: () => ProductionConfig.#checkWritable(this),
      maskOf: (name) => this.#maskOf(name),
      table: () => this.#currentTable(),
      adopt: (answer) => this.#adopt(answer),
      uptimeMs: () => now() - this.#createdAt,
      writes: () => this.#writes,
    };
  }

  #adopt({ table }: StoreAnswer): FeatureTable {
    if (!this.#closing && !isLive(this.#page) && table.names.length > this.#table.names.length) {
      this.#useTable(table);
      Atomics.store(this.#words, this.#base + WORD_REGISTRY_HASH, table.hash);
    }
    return table;
  }

  async #end(): Promise<void> {
    this.#names = NO_NAMES;
    this.#writableNames = NO_NAMES;
    if (this.#directReads) this.#directReads.allowed = false;
    const flushed = this.#onDemand?.close();
    releasePage(this.#page);
    try {
      await flushed;
    } finally {
      await this.#settings.store?.close();
    }
  }
}

// An `EventEmitter` by its prototype alone: what it keeps for its listeners comes with the first of them, so that the
// many configs nobody listens to stay small.
inheritFromEmitter(ProductionConfig.prototype);
