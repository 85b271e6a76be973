import { checkBoolean, checkInteger } from './core/checks';
import { collectEdits, type Edits, soleBank } from './core/draft';
import { type EmitterMethod, inheritFromEmitter } from './core/event-emitter';
import { makeError, printable, show, wrongThis } from './core/errors';
import { type DirectReads, FeatureOfConfig } from './core/feature';
import { type FeatureTable, flagsOfBank, namesOf, noBitFor, prefixOf, withoutRetired } from './core/feature-table';
import { tableOfPage } from './core/feature-tables';
import {
  BANK_SIZE,
  FULL_ROLLOUT,
  MAX_BANKS,
  RECORD_VERSION,
  WORD_FEATURE_FLAGS,
  WORD_HEADER,
  WORD_REGISTRY_HASH,
  WORD_TERMINAL,
} from './core/layout';
import type { Internals, OnDemand, Parts } from './internals';
import { loadOnDemand, loadOnDemandSoon } from './load-on-demand';
import { loadWord } from './core/load-word';
import { bitOf, NO_BIT, NO_NAMES } from './core/name-index';
import { native } from './native/binding';
import {
  announce,
  BANK_BITS,
  banksFor,
  compareExchangeState,
  exchangeRollout,
  exchangeState,
  joinState,
  type Page,
  readBankFlags,
  readNamesWord,
  readRecord,
  readRollout,
  readState,
  releasePage,
  splitState,
  storeRegistryHashes,
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
  ConfigDraft,
  ConfigDiff,
  ConfigHandle,
  ConfigState,
  DebugView,
  DefaultFeature,
  Feature,
  FeatureInfo,
  Health,
  HistoryEntry,
  Metrics,
  PruneOptions,
  PruneResult,
  RecordBytes,
  RestoreOptions,
  RetiredFeature,
  RetireOptions,
  RevisionOptions,
  TerminalSettings,
  Validation,
  Verification,
  VerifyOptions,
} from './types';

/** Releases the pages of configs that were garbage-collected without `close()`. */
const abandoned = new FinalizationRegistry<Page>(releasePage);

/** The parts of the config under construction, for its field initializers. */
let incoming: Parts | undefined;

/** @internal Creates a config, or an instance of a subclass. */
export function makeConfig(
  parts: Parts,
  Class: new () => ProductionConfig<any> = ProductionConfig,
): ProductionConfig<any> {
  incoming = parts;
  return new Class();
}

function takeParts(): Parts {
  if (!incoming) throw makeError('ERR_INVALID_TYPE', 'Use createProductionConfig() to create a config');
  return incoming;
}

/** What a page says of its names if the table has them all, and nothing that it says otherwise. */
function seenNames(page: Page, { names, changes }: FeatureTable): number {
  const word = readNamesWord(page);
  return word === 0 || word === ((changes << 16) | names.length) ? word : -1;
}

/** The error of a method called on an object that is not a config. */
function notAConfig(self: unknown): Error {
  return wrongThis(self, 'config.isFeatureEnabled.bind(config)');
}

/**
 * A configuration: feature flags by name, terminal settings, and their history.
 *
 * Reads and flips are single atomic operations on shared memory. They never call native code and never wait. Methods
 * that use the history return promises.
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
  /** That of the page when its names were last looked at. */
  #namesWord = seenNames(this.#page, this.#table);
  #names = this.#table.index;
  #writableNames = this.#settings.readOnly ? NO_NAMES : this.#table.index;
  #directReads: DirectReads | undefined;
  #onDemand: OnDemand<any> | undefined;
  #closing: Promise<void> | undefined;
  /** Changes made through this config. */
  #writes = 0;
  /** In milliseconds. Whole numbers are stored in the object itself. */
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
   * @throws ConfigError `ERR_UNKNOWN_FEATURE`, which lists the available names.
   */
  isFeatureEnabled(name: Name): boolean;
  /**
   * Whether a feature is on that may not exist, such as one that another program registers.
   *
   * @param fallback - The answer if there is no feature of this name.
   * @throws TypeError `ERR_INVALID_TYPE` when the name is not a string, or there is no such feature and `fallback` is not a
   *   boolean.
   * @example
   * if (config.isFeatureEnabled('new_search', false)) openNewSearch();
   */
  isFeatureEnabled(name: string, fallback: boolean): boolean;
  isFeatureEnabled(name: string, fallback?: boolean): boolean {
    if (this == null || !(#names in this)) throw notAConfig(this);
    const bit = bitOf(this.#names, name);
    if (bit < 0) return this.#isOnSlowly(name, fallback);
    // Before the word is read: JavaScriptCore compiles the other order to slower code, at times.
    const mask = 1 << bit;
    return (loadWord(this.#words, this.#base + WORD_FEATURE_FLAGS + (bit & BANK_BITS)) & mask) !== 0;
  }

  /**
   * Whether there is a feature of this name, including those that other programs registered in the database. A retired one can
   * be asked for until its bit has another name.
   *
   * @throws TypeError `ERR_INVALID_TYPE` when the name is not a string.
   */
  hasFeature(name: string): boolean {
    if (this == null || !(#names in this)) throw notAConfig(this);
    return this.#lookUp(name) >= 0;
  }

  /**
   * Enables a feature in the shared memory of this config. Concurrent flips of other features are never lost.
   *
   * @returns Whether this call changed anything.
   * @throws ConfigError `ERR_UNKNOWN_FEATURE`, which lists the available names.
   */
  enableFeature(name: Name): boolean {
    if (this == null || !(#names in this)) throw notAConfig(this);
    let bit = bitOf(this.#writableNames, name);
    if (bit < 0) bit = this.#findWritableBit(name);
    const mask = 1 << bit;
    const before = Atomics.or(this.#words, this.#base + WORD_FEATURE_FLAGS + (bit & BANK_BITS), mask);
    if ((before & mask) !== 0) return false;
    this.#flagsChanged(bit >>> 5, mask, 0);
    return true;
  }

  /**
   * Disables a feature in the shared memory of this config.
   *
   * @returns Whether this call changed anything.
   * @throws ConfigError `ERR_UNKNOWN_FEATURE`, which lists the available names.
   */
  disableFeature(name: Name): boolean {
    if (this == null || !(#names in this)) throw notAConfig(this);
    let bit = bitOf(this.#writableNames, name);
    if (bit < 0) bit = this.#findWritableBit(name);
    const mask = 1 << bit;
    const before = Atomics.and(this.#words, this.#base + WORD_FEATURE_FLAGS + (bit & BANK_BITS), ~mask);
    if ((before & mask) === 0) return false;
    this.#flagsChanged(bit >>> 5, 0, mask);
    return true;
  }

  /**
   * Enables or disables a feature.
   *
   * @returns Whether this call changed anything.
   * @throws TypeError `ERR_INVALID_TYPE` when `on` is not a boolean.
   */
  setFeature(name: Name, on: boolean): boolean {
    if (this == null || !(#names in this)) throw notAConfig(this);
    return checkBoolean(on, 'feature value') ? this.enableFeature(name) : this.disableFeature(name);
  }

  /** Atomically toggles a feature, and returns whether it is on now. */
  toggleFeature(name: Name): boolean {
    if (this == null || !(#names in this)) throw notAConfig(this);
    let bit = bitOf(this.#writableNames, name);
    if (bit < 0) bit = this.#findWritableBit(name);
    const mask = 1 << bit;
    const before = Atomics.xor(this.#words, this.#base + WORD_FEATURE_FLAGS + (bit & BANK_BITS), mask);
    const isOn = (before & mask) === 0;
    this.#flagsChanged(bit >>> 5, isOn ? mask : 0, isOn ? 0 : mask);
    return isOn;
  }

  /**
   * One feature, for code that reads it often.
   *
   * @example
   * const beta = config.feature('beta_feature');
   * if (beta.enabled) showBeta();
   */
  feature<Own extends Name>(name: Own): Feature<Own> {
    if (this == null || !(#names in this)) throw notAConfig(this);
    const bit = this.#bitOf(name);
    this.#directReads ??= { allowed: this.#settings.stopwatch === undefined };
    return new FeatureOfConfig<Own>(this, name, bit, this.#page, this.#directReads);
  }

  // ---- Rollouts -----------------------------------------------------------------------------------------------

  /**
   * Whether a feature is on for a key, such as a user's id: the feature must be on, and the key must fall within its
   * rollout percentage. A key gets the same answer on every machine until the rollout changes, and raising a rollout
   * only adds keys.
   *
   * @param key - Not empty. ASCII is fastest.
   * @throws ConfigError `ERR_UNKNOWN_FEATURE`; TypeError `ERR_INVALID_TYPE` and RangeError `ERR_INVALID_VALUE` for
   *   invalid keys, regardless of the rollout.
   * @example
   * if (config.isFeatureEnabledFor('beta_feature', user.id)) showBeta();
   */
  isFeatureEnabledFor(name: Name, key: string): boolean {
    // With anything more in it, such as a check of `this`, JavaScriptCore compiles some of what it calls apart.
    const bit = bitOf(this.#names, name);
    return bit >= 0 ? this.#isOnFor(bit, key) : this.#isOnForSlowly(name, key);
  }

  /** The percentage of keys that a feature is on for while it is on, 0 to 100. Default: 100. */
  getRollout(name: Name): number {
    if (this == null || !(#names in this)) throw notAConfig(this);
    const bit = this.#bitOf(name);
    return bit < 0 ? 100 : toPercent(readRollout(this.#page, bit));
  }

  /**
   * Rolls a feature out to a percentage of all keys, in the shared memory of this config. It does not enable or disable
   * the feature. Like a flip, it is saved by the next {@link ProductionConfig.persist} and undone by a rollback.
   *
   * @param percent - 0 to 100 in steps of 0.01.
   * @returns Whether this call changed anything.
   * @throws RangeError `ERR_OUT_OF_RANGE`: `Invalid rollout: 100.001 (must be 0-100 percent in steps of 0.01)`.
   * @example
   * config.setRollout('beta_feature', 10);
   * config.enableFeature('beta_feature');
   * await config.persist('beta for a tenth');
   */
  setRollout(name: Name, percent: number): boolean {
    if (this == null || !(#names in this)) throw notAConfig(this);
    let bit = bitOf(this.#writableNames, name);
    if (bit < 0) bit = this.#findWritableBit(name);
    const basisPoints = checkPercent(percent);
    if (exchangeRollout(this.#page, bit, basisPoints) === basisPoints) return false;
    this.#announce();
    this.#onDemand?.noteRollout(bit, basisPoints);
    return true;
  }

  // ---- Lists --------------------------------------------------------------------------------------------------

  /** The names of the features that are on, in bit order. */
  getEnabledFeatures<Own extends Name = Name>(): Own[] {
    ProductionConfig.#checkOpen(this);
    const table = this.#currentTable();
    const banks = banksFor(table.names.length);
    const flags = banks === 1 ? [readBankFlags(this.#page, 0)] : ProductionConfig.#onDemandOf(this).readFlags(banks);
    return namesOf(table, withoutRetired(table, flags)) as Own[];
  }

  /**
   * The names of all features, in bit order, including those that other programs registered in the database, and without
   * retired ones.
   */
  getFeatureNames(): string[] {
    ProductionConfig.#checkOpen(this);
    return [...this.#currentTable().listed];
  }

  /**
   * The bit of a feature, and what programs have said of it when they listed it. Reads the database, if there is one, so it
   * is not for hot paths.
   *
   * @throws ConfigError `ERR_UNKNOWN_FEATURE`, and errors of the database.
   * @example
   * const { description, owner, expires } = config.getFeatureInfo('checkout');
   */
  getFeatureInfo<Own extends Name>(name: Own): FeatureInfo<Own> {
    return ProductionConfig.#onDemandOf(this).featureInfo(name) as FeatureInfo<Own>;
  }

  /**
   * Retires a feature, or several, that no program needs any more, and records that in the history. It disappears from lists, views and
   * exports. Programs that still ask for it get its last value, and one that lists it in its `features` brings it back. When no
   * bit is left for a new name, it gets that of the longest retired one, as soon as a program opens the database that nobody
   * else has open.
   *
   * @param options - `force`: also if it is on somewhere.
   * @throws ConfigError `ERR_FEATURE_ON`, which says where it is on; `ERR_UNKNOWN_FEATURE` and the errors of `commit`. Nothing
   *   has changed then.
   * @example
   * await config.retireFeature('old_checkout', { reason: 'everyone has the new one' });
   */
  retireFeature(name: string | readonly string[], options: RetireOptions = {}): Promise<HistoryEntry> {
    return ProductionConfig.#onDemandOf(this).history.retire(name, options);
  }

  /**
   * Takes back that a feature, or several, was retired, with the value that it has.
   *
   * @throws ConfigError `ERR_UNKNOWN_FEATURE` if its bit has another name by now; the errors of `commit`.
   */
  reviveFeature(name: string | readonly string[], options: RestoreOptions = {}): Promise<HistoryEntry> {
    return ProductionConfig.#onDemandOf(this).history.revive(name, options);
  }

  /** The retired features of the database, the longest retired first. */
  getRetiredFeatures(): Promise<RetiredFeature[]> {
    return ProductionConfig.#onDemandOf(this).history.getRetired();
  }

  // ---- Several changes at once --------------------------------------------------------------------------------

  /**
   * Makes several changes atomically: readers see all of them or none. If `edit` throws, nothing changes. With rollouts
   * among them, or features of several banks (see {@link ProductionConfig.toBanks}), a reader of single features may see those
   * that go off before those that go on, but never a switch with a rollout that does not belong to it; what reads the whole
   * state sees all of them or none.
   *
   * @param edit - Makes the changes on the draft before it returns; it must not be async.
   * @returns Whether anything changed.
   * @example
   * config.update((draft) => {
   *   draft.enable('metrics', 'caching');
   *   draft.enable('beta_feature', { rollout: 10 });
   *   draft.disable('debug');
   *   draft.terminal(2, 50, 120);
   * });
   */
  update(edit: (draft: ConfigDraft<Name>) => void): boolean {
    ProductionConfig.#checkWritable(this);
    const edits = collectEdits<Name>('update', edit, (name) => this.#changeableBitOf(name));
    const bank = soleBank(edits);
    if (bank === undefined) return this.#edit(edits);
    const on = edits.on[bank]!;
    const off = edits.off[bank]!;
    if (bank > 0) return this.#exchangeFlags(bank, on, off);
    return this.#exchange((flags, terminal) => [(flags | on) & ~off, edits.terminal ?? terminal]);
  }

  /**
   * Sets the flags of the first 32 features and the terminal settings from a 13-byte record, as one change. Values out of range
   * are accepted, and reported by {@link ProductionConfig.validate}. The version and the registry hash of the record are ignored.
   *
   * @throws RangeError `ERR_BUFFER_LENGTH`: `Buffer must be exactly 13 bytes`; `ERR_INVALID_VALUE` for the record of another bank.
   */
  updateFromBuffer(bytes: RecordBytes): void {
    const fields = new DataView(copyRecord(bytes).buffer);
    ProductionConfig.#checkWritable(this);
    const bank = fields.getUint8(12);
    if (bank > 0 && bank < MAX_BANKS) {
      throw makeError(
        'ERR_INVALID_VALUE',
        `Invalid record: it is that of bank ${bank} (must be that of bank 0; updateFromBanks() takes those of all banks)`,
      );
    }
    const state = joinState(fields.getUint32(5, true), fields.getUint32(9, true));
    const before = exchangeState(this.#page, state);
    if (before !== state) this.#stateChanged(before, state);
  }

  /**
   * Sets the flags of all features and the terminal settings from what {@link ProductionConfig.toBanks} returns, as one change.
   * Version and registry hashes are ignored; values out of range are accepted as in {@link ProductionConfig.updateFromBuffer}.
   *
   * @throws RangeError `ERR_BUFFER_LENGTH`, such as `Buffer must be exactly 104 bytes (13 for each of 8 banks)`;
   *   `ERR_INVALID_VALUE` if the records are not those of the banks in their order.
   */
  updateFromBanks(bytes: RecordBytes): void {
    ProductionConfig.#checkWritable(this);
    if (this.#page.banks === 1) this.updateFromBuffer(bytes);
    else this.#edit(ProductionConfig.#onDemandOf(this).editsOfBanks(bytes));
  }

  // ---- Terminal -----------------------------------------------------------------------------------------------

  /**
   * Sets mode, rows and columns as one change.
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

  /** Mode, rows and columns, from one atomic read. */
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

  /** Hash of the first 32 feature names, 0 to 2^32 − 1. Informational: nothing depends on it. */
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
   * The flags of the first 32 features as a number, 0 to 2^32 − 1. With bit 31 set, `|=` yields a negative number, which is refused: use
   * `(flags | x) >>> 0`. Such an expression reads and writes in two steps, so use {@link ProductionConfig.update} where
   * other writers may interfere.
   */
  get featureFlags(): number {
    return ProductionConfig.#wordOf(this, WORD_FEATURE_FLAGS) >>> 0;
  }

  set featureFlags(flags: number) {
    const word = checkU32(flags, 'feature flags') | 0;
    ProductionConfig.#checkWritable(this);
    const unknown = (word & ~flagsOfBank(this.#currentTable().names.length, 0)) >>> 0;
    if (unknown !== 0) {
      const bits = `0x${unknown.toString(16).padStart(8, '0')}`;
      throw makeError('ERR_OUT_OF_RANGE', `Invalid feature flags: no feature owns the bits ${bits}`);
    }
    const before = Atomics.exchange(this.#words, this.#base + WORD_FEATURE_FLAGS, word);
    if (before !== word) this.#flagsChanged(0, word & ~before, before & ~word);
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

  /** Reserved for later formats; 0. */
  get reserved(): number {
    return ProductionConfig.#wordOf(this, WORD_TERMINAL) >>> 24;
  }

  set reserved(reserved: number) {
    ProductionConfig.#setTerminalByte(this, 24, checkReserved(reserved));
  }

  /**
   * Whether `enableClusterSync` shares the state with every process that opens the same database and environment.
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

  /** The 13 bytes: the first 32 features and the terminal settings, from one atomic read. */
  toBytes(): Uint8Array {
    ProductionConfig.#checkOpen(this);
    return readRecord(this.#page);
  }

  /** These bytes as `0x` and 26 hexadecimal digits. */
  toHex(): string {
    ProductionConfig.#checkOpen(this);
    return toHex(this.toBytes());
  }

  /**
   * An independent copy of a record.
   *
   * @param bank - The bank, which has the 32 features from bit `bank * 32` on. Default: 0.
   * @throws RangeError `ERR_OUT_OF_RANGE` for a bank that the config does not have.
   */
  getCore(bank = 0): ConfigCore13Byte {
    ProductionConfig.#checkOpen(this);
    checkInteger(bank, 'bank', 0, this.#page.banks - 1);
    return new ConfigCore13Byte(readRecord(this.#page, bank));
  }

  /**
   * The records of all banks, 13 bytes each, as one state. A config has one bank of 32 features, or eight: with a database, with
   * `enableClusterSync`, or with more than 32 features. The records of the banks after the first have no terminal settings, and
   * the number of the bank in their last byte.
   *
   * @example
   * const bytes = config.toBanks(); // 104 bytes with a database
   * new ConfigCore13Byte(bytes.subarray(13, 26)).hasFeature(0); // the 33rd feature
   */
  toBanks(): Uint8Array {
    return ProductionConfig.#onDemandOf(this).toBanks();
  }

  /**
   * The state page as a `SharedArrayBuffer`, 128 bytes for each bank, for code that passes it to worker threads directly.
   * `undefined` in runtimes that cannot share native memory (see the README's table). `docs/memory.md` describes its
   * layout; write to it through `Atomics` only.
   */
  get sharedBuffer(): SharedArrayBuffer | undefined {
    ProductionConfig.#checkOpen(this);
    return ProductionConfig.#onDemandOf(this).sharedBuffer;
  }

  /**
   * The state in readable form. As long as nothing changes, the same frozen object is returned, except with
   * `debugMode`, which adds the timings of the operations.
   */
  getDebugView<Own extends Name = Name>(): DebugView<Own> {
    ProductionConfig.#checkOpen(this);
    return ProductionConfig.#onDemandOf(this).getDebugView();
  }

  /**
   * The state by name, without bits and revisions: for a file, or for {@link ProductionConfig.apply} of another config.
   * Flags and terminal settings come from one atomic read; rollouts are read right after it.
   *
   * @example
   * await writeFile('flags.json', JSON.stringify(config.getState()));
   */
  getState<Own extends Name = Name>(): ConfigState<Own> {
    ProductionConfig.#checkOpen(this);
    return ProductionConfig.#onDemandOf(this).getState();
  }

  /** The value for `JSON.stringify(config)`: that of {@link ProductionConfig.getState}, or `{ closed: true }`. */
  toJSON<Own extends Name = Name>(): ConfigState<Own> | { readonly closed: true } {
    if (this == null || !(#names in this)) throw notAConfig(this);
    return this.#closing ? { closed: true } : this.getState();
  }

  /** Validates every field of the state, and reports the status of the database. */
  validate(): Validation {
    ProductionConfig.#checkOpen(this);
    return ProductionConfig.#onDemandOf(this).validate();
  }

  // ---- History ------------------------------------------------------------------------------------------------

  /**
   * Writes the current state to the database as a new revision. When the promise resolves, the revision is on disk and
   * survives crashes and power failures. Calls without an `await` between them share one transaction; each writes its
   * own revision, in call order.
   *
   * @param reason - The reason for the history, up to 1,000 characters.
   * @throws ConfigError `ERR_PERSISTENCE_DISABLED`, `ERR_REVISION_CONFLICT`, `ERR_STORE_BUSY`, `ERR_DISK_FULL` and
   *   others, see `docs/errors.md`. Nothing was written then.
   */
  persist(reason = 'manual', options: RevisionOptions = {}): Promise<HistoryEntry> {
    return ProductionConfig.#onDemandOf(this).history.persist(reason, options);
  }

  /**
   * Like {@link ProductionConfig.persist}, but returns when the revision is on disk: for command-line tools and `exit`
   * handlers, in which promises no longer settle. It blocks the event loop, usually for one sync of the disk, and up to
   * 5 seconds while another process holds the database locked. Servers should use `persist`.
   *
   * Revisions keep the order of the calls: pending persists are written first, in the same transaction.
   *
   * @throws The errors of `persist`. Nothing was written then.
   * @example
   * process.on('exit', () => config.persistSync('state at exit'));
   */
  persistSync(reason = 'manual', options: RevisionOptions = {}): HistoryEntry {
    return ProductionConfig.#onDemandOf(this).history.persistSync(reason, options);
  }

  /**
   * Whether the live state equals that of the last revision, so that a restart would restore it: for status pages.
   * States are compared, so it is `true` again when a change was reverted. It only reads shared memory: it does not
   * wait, and calls no native code.
   *
   * The last revision is the one that was last persisted or loaded by this config, or by any thread or process with the
   * same live state. Revisions of programs that do not share the live state count after `load()`. `false` without a
   * database, and as long as nothing was persisted.
   *
   * @example
   * response.end(config.persisted ? 'saved' : 'unsaved changes');
   */
  get persisted(): boolean {
    ProductionConfig.#checkOpen(this);
    return ProductionConfig.#onDemandOf(this).persisted;
  }

  /**
   * Loads the last persisted state. Features registered after that revision keep their current value. With
   * `enableClusterSync` this changes the state of all processes, so a `readOnly` config cannot do it.
   *
   * @returns `false` if nothing has been persisted in this environment.
   */
  load(): Promise<boolean> {
    return ProductionConfig.#onDemandOf(this).history.load();
  }

  /**
   * The revisions of this environment, newest first.
   *
   * @param limit - The maximum number, 1–10,000. Default: 50.
   * @param options - `before`: only revisions with a smaller number, for the next page.
   */
  getHistory(limit = 50, options: { before?: number | undefined } = {}): Promise<HistoryEntry[]> {
    return ProductionConfig.#onDemandOf(this).history.getHistory(limit, options);
  }

  /**
   * Restores an earlier state, and records it as a new revision. Features registered after the restored revision keep
   * their current value.
   *
   * @param revision - The revision to restore. Default: the one before the current state, so repeated calls walk back
   *   through the history.
   * @throws ConfigError `ERR_REVISION_NOT_FOUND`, `ERR_NOTHING_TO_ROLL_BACK`, `ERR_REVISION_CONFLICT`.
   */
  rollback(revision?: number, options: RestoreOptions = {}): Promise<HistoryEntry> {
    return ProductionConfig.#onDemandOf(this).history.rollback(revision, options);
  }

  /**
   * Sets a given state as a whole, and records it as a new revision. Features that it leaves out keep their current
   * value. If the last revision already holds the same state, no revision is added, and that one is returned.
   *
   * Like a rollback, it is written to disk first and then applied, completely even if this process is killed in
   * between.
   *
   * @param state - The terminal settings, and features with both their switch and their rollout.
   * @param reason - The reason for the history, up to 1,000 characters.
   * @throws ConfigError `ERR_UNKNOWN_FEATURE`, `ERR_REVISION_CONFLICT` and the errors of `persist`; RangeError and
   *   TypeError for invalid values. Nothing has changed then.
   * @example
   * await config.apply(JSON.parse(await readFile('flags.json', 'utf8')), 'flags of release 42');
   */
  apply(state: ConfigState<Name>, reason = 'applied', options: RevisionOptions = {}): Promise<HistoryEntry> {
    return ProductionConfig.#onDemandOf(this).history.apply(state, reason, options);
  }

  /**
   * Makes several changes as one revision, on disk first and then live: the history says exactly what was changed, and
   * whoever shares the state sees all of it or none. Live changes that nobody has persisted stay as they are, and are not
   * part of it. If it fails, nothing has changed.
   *
   * @param edit - Makes the changes on the draft before it returns; it must not be async. The switch and the rollout of a
   *   feature are one: what the draft leaves out of the two is set to what is in effect on disk.
   * @param reason - The reason for the history, up to 1,000 characters.
   * @throws ConfigError `ERR_UNKNOWN_FEATURE`, `ERR_REVISION_CONFLICT`, `ERR_LIVE_FILE_BUSY` and the errors of `persist`.
   * @example
   * await config.commit((draft) => draft.enable('beta', { rollout: 10 }), 'beta for a tenth of the users');
   */
  commit(
    edit: (draft: ConfigDraft<Name>) => void,
    reason = 'committed',
    options: RevisionOptions = {},
  ): Promise<HistoryEntry> {
    return ProductionConfig.#onDemandOf(this).history.commit(edit, reason, options);
  }

  /**
   * The differences between two revisions of this environment.
   *
   * @throws ConfigError `ERR_REVISION_NOT_FOUND`.
   */
  diff(from: number, to: number): Promise<ConfigDiff> {
    return ProductionConfig.#onDemandOf(this).history.diff(from, to);
  }

  /**
   * The names of the environments that have revisions in this database, sorted.
   *
   * @example
   * await config.getEnvironments(); // ['production', 'staging']
   */
  getEnvironments(): Promise<string[]> {
    return ProductionConfig.#onDemandOf(this).history.getEnvironments();
  }

  /**
   * Copies the last persisted state of another environment in the same database to this one, as a new revision.
   *
   * @throws ConfigError `ERR_NOTHING_TO_PROMOTE` if the other environment has no revision.
   */
  promote(fromEnvironment: string, options: RestoreOptions = {}): Promise<HistoryEntry> {
    return ProductionConfig.#onDemandOf(this).history.promote(fromEnvironment, options);
  }

  /**
   * Checks the history for damage and tampering: every digest and link of **all environments** in the file, the head
   * that each environment records, and SQLite's own structures. Persists continue meanwhile; their revisions are not
   * checked.
   *
   * The promise resolves with everything that was found, and rejects only if the file cannot be read at all. Anyone who
   * can write the file can compute a new chain, so store `head` elsewhere regularly, and pass it as `expectedHead`.
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
   * Permanently removes the oldest revisions of this environment. The newest `keep` revisions stay, and so do the
   * revision in effect, the target of the default `rollback()` and everything after them, so more than `keep` may
   * remain. A record of the removal, with its actor, takes the place of what was removed, so the rest of the chain can
   * still be verified.
   *
   * Revisions are removed in transactions of a few thousand. If one fails, or the operation is aborted, completed ones
   * are not undone. Revisions are verified before they are removed, and a broken history is not pruned.
   *
   * @throws ConfigError `ERR_HISTORY_BROKEN`, `ERR_STORE_BUSY`, `ERR_DISK_FULL` and others of the database.
   * @example
   * const { removed, head } = await config.prune({ keep: 10_000 });
   */
  prune(options: PruneOptions): Promise<PruneResult> {
    return ProductionConfig.#onDemandOf(this).history.prune(options);
  }

  /**
   * Copies the whole database, with all environments, while it is in use. The copy is a complete database. It gets its
   * name when it is on disk; a backup that fails or is aborted leaves nothing behind.
   *
   * @param path - The file to create.
   * @throws ConfigError `ERR_BACKUP` if the file exists or cannot be created; `ERR_DISK_FULL` and other errors of the
   *   database.
   * @example
   * const { bytes, revisions } = await config.backup('/backup/flags.db', { overwrite: true });
   */
  backup(path: string, options: BackupOptions = {}): Promise<BackupResult> {
    return ProductionConfig.#onDemandOf(this).history.backup(path, options);
  }

  /**
   * Checks the health of this config and its database: the live state, the live file, the store, its files and disk,
   * the last persist, and the end of the history. Each check has a message that says what was found and what to do.
   *
   * The promise resolves within little more than a second, even if the database is locked, and never rejects.
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
   * Counters and latencies of this config and its database, for your own dashboard. It makes one native call, which
   * reads the sizes of the database files. It does not slow down reads and flips; reads are counted only with
   * `debugMode`.
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
   * The metrics as text in OpenMetrics 1.0 format, for Prometheus and compatible systems. All names begin with
   * `config13byte_`; `docs/operations.md` explains them.
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
   * Closes this config; using it afterwards fails with `ERR_CLOSED`. The promise resolves when all persists are done
   * and the database is closed. Further calls return the same promise.
   *
   * @throws With `autoPersist`: the error of a persist (such as `ERR_STORE_BUSY` or `ERR_DISK_FULL`) if a change could
   *   not be written. The config is closed nevertheless, and the change is not in the history.
   */
  close(): Promise<void> {
    if (this == null || !(#names in this)) throw notAConfig(this);
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /**
   * Closes this config without waiting. Persists in progress still settle. An error that {@link ProductionConfig.close}
   * would reject with is emitted as a `ConfigWarning`.
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

  /** The output of `console.log(config)`: features and terminal settings instead of bytes. */
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
   * Calls `listener` after changes of the state by this config, by another config in any thread or, with
   * `enableClusterSync`, by another process. A config is an `EventEmitter` with this one event. Changes in quick
   * succession may be combined; the last state is never missed. A listener does not keep the process running, see
   * {@link ProductionConfig.ref}.
   *
   * @example
   * config.on('change', ({ enabled, disabled }) => console.log({ enabled, disabled }));
   */
  on<Own extends Name = Name>(event: 'change', listener: (change: ConfigChange<Own>) => void): this {
    return ProductionConfig.#emit(this, 'on', event, listener);
  }

  /** Like {@link ProductionConfig.on}, for the next change only. */
  once<Own extends Name = Name>(event: 'change', listener: (change: ConfigChange<Own>) => void): this {
    return ProductionConfig.#emit(this, 'once', event, listener);
  }

  /** Alias of {@link ProductionConfig.on}. */
  addListener<Own extends Name = Name>(event: 'change', listener: (change: ConfigChange<Own>) => void): this {
    return ProductionConfig.#emit(this, 'addListener', event, listener);
  }

  /** Like {@link ProductionConfig.on}, but adds the listener before existing ones. */
  prependListener<Own extends Name = Name>(event: 'change', listener: (change: ConfigChange<Own>) => void): this {
    return ProductionConfig.#emit(this, 'prependListener', event, listener);
  }

  /** Removes a listener. */
  off<Own extends Name = Name>(event: 'change', listener: (change: ConfigChange<Own>) => void): this {
    return ProductionConfig.#emit(this, 'off', event, listener);
  }

  /** Alias of {@link ProductionConfig.off}. */
  removeListener<Own extends Name = Name>(event: 'change', listener: (change: ConfigChange<Own>) => void): this {
    return ProductionConfig.#emit(this, 'removeListener', event, listener);
  }

  /** Removes all listeners. */
  removeAllListeners(event?: 'change'): this {
    return event === undefined
      ? ProductionConfig.#emit(this, 'removeAllListeners')
      : ProductionConfig.#emit(this, 'removeAllListeners', event);
  }

  /** The number of listeners. */
  listenerCount(event: 'change'): number {
    if (this == null || !(#names in this)) throw notAConfig(this);
    return this.#onDemand?.listenerCount(event) ?? 0;
  }

  /**
   * An async iterator over the changes from the first `next()` on. Changes that arrive while the loop body runs are
   * combined. The loop ends when the config is closed, and throws the signal's reason if the signal is aborted.
   * `return()` and `throw()` end it immediately, even while `next()` waits for a change.
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

  /** Undoes {@link ProductionConfig.ref}. */
  unref(): this {
    ProductionConfig.#checkOpen(this);
    ProductionConfig.#onDemandOf(this).hold(false);
    return this;
  }

  // ---- Other threads and processes ----------------------------------------------------------------------------

  /**
   * A handle with which {@link attachConfig} opens the same config in another thread. With `enableClusterSync` it also
   * works in other processes (`buffer` cannot be sent there: omit it, or send the handle as JSON).
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

  #flagsChanged(bank: number, set: number, cleared: number): void {
    this.#announce();
    this.#onDemand?.noteFlags(bank, set, cleared);
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

  /** Makes changes that are in several words: as one, which native code sees to. */
  #edit(edits: Edits): boolean {
    if (!native.editPage(this.#page.handle, edits)) return false;
    this.#writes += 1;
    this.#onDemand?.noteChange();
    this.#onDemand?.noteEdits(edits);
    return true;
  }

  static #wordOf(config: ProductionConfig<any>, index: number): number {
    ProductionConfig.#checkOpen(config);
    return loadWord(config.#words, config.#base + index);
  }

  /** Atomically replaces flags and terminal settings with the result of `next`. */
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

  /** Atomically changes the flags of a bank. */
  #exchangeFlags(bank: number, on: number, off: number): boolean {
    // A block has as many words as a bank has features.
    const index = this.#base + WORD_FEATURE_FLAGS + bank * BANK_SIZE;
    let flags = Atomics.load(this.#words, index);
    for (;;) {
      const wanted = (flags | on) & ~off;
      const before = Atomics.compareExchange(this.#words, index, flags, wanted);
      if (before === flags) {
        if (wanted === flags) return false;
        this.#flagsChanged(bank, wanted & ~flags, flags & ~wanted);
        return true;
      }
      flags = before;
    }
  }

  static #setTerminalByte(config: ProductionConfig<any>, shift: number, value: number): void {
    ProductionConfig.#checkWritable(config);
    config.#exchange((flags, terminal) => [flags, (terminal & ~(0xff << shift)) | (value << shift)]);
  }

  /** A separate function: in a larger one, JavaScriptCore would not inline the look-up of the name. */
  #isOnFor(bit: number, key: string): boolean {
    if (typeof key !== 'string' || key === '') checkKey(key);
    const words = this.#words;
    const flags = this.#base + WORD_FEATURE_FLAGS + (bit & BANK_BITS);
    const mask = 1 << bit;
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
   * Reads a name that the index does not have. A separate method: JavaScriptCore inlines code that has run, and once it
   * had inlined the refusal of an unknown name, reads would take twice as long.
   */
  #isOnSlowly(name: string, fallback: boolean | undefined): boolean {
    const bit = fallback === undefined ? this.#findBit(name) : this.#lookUp(name);
    if (bit >= 0)
      return (loadWord(this.#words, this.#base + WORD_FEATURE_FLAGS + (bit & BANK_BITS)) & (1 << bit)) !== 0;
    return fallback === undefined ? false : checkBoolean(fallback, 'fallback');
  }

  /** The same for a key. */
  #isOnForSlowly(name: string, key: string): boolean {
    const bit = this.#findBit(name);
    if (bit >= 0) return this.#isOnFor(bit, key);
    checkKey(key);
    return false;
  }

  #bitOf(name: string): number {
    const bit = bitOf(this.#names, name);
    return bit < 0 ? this.#findBit(name) : bit;
  }

  /**
   * The slow path of a hot method: finds a name that another process has added, or throws why there is none. `NO_BIT` for a
   * name of this config's list that has no bit, so that it reads as off.
   */
  #findBit(name: unknown): number {
    const bit = this.#lookUp(name);
    if (bit >= 0 || this.#settings.withoutBit.includes(name as string)) return bit;
    const { listed } = this.#table;
    throw makeError(
      'ERR_UNKNOWN_FEATURE',
      `Unknown feature: ${printable(String(name))}. Available: ${listed.join(', ')}`,
    );
  }

  /** The bit of a name, which another process may have added; `NO_BIT` if there is none. */
  #lookUp(name: unknown): number {
    ProductionConfig.#checkOpen(this);
    if (typeof name !== 'string') {
      throw makeError('ERR_INVALID_TYPE', `Invalid feature name: ${show(name)} (must be a string)`);
    }
    const { index } = this.#currentTable();
    const bit = bitOf(index, name);
    return bit < 0 ? (index.others.get(name) ?? NO_BIT) : bit;
  }

  #findWritableBit(name: unknown): number {
    ProductionConfig.#checkWritable(this);
    return this.#changeableBitOf(name);
  }

  #changeableBitOf(name: unknown): number {
    const bit = this.#bitOf(name as string);
    if (bit < 0) throw makeError('ERR_TOO_MANY_FEATURES', noBitFor(name as string, this.#table));
    return bit;
  }

  /**
   * The feature table, with what other processes have added or retired on a live page, or in a database that is followed or
   * changed by this config.
   */
  #currentTable(): FeatureTable {
    const page = this.#page;
    const word = readNamesWord(page);
    if (word !== this.#namesWord) {
      this.#namesWord = word;
      const { clusterSync, store } = this.#settings;
      if (clusterSync) this.#adoptPageTable();
      else if (store) this.#adoptTable(store.features(page.handle));
    }
    return this.#table;
  }

  #adoptPageTable(): void {
    const table = tableOfPage(native.pageFeatures(this.#page.handle));
    if (table !== this.#table) this.#useTable(table);
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
      throw makeError('ERR_CLOSED', 'This config is closed. Create a new one');
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

  /** The history, health and views: most programs start without them. */
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
      findBit: (name) => this.#bitOf(name),
      bitOf: (name) => this.#changeableBitOf(name),
      table: () => this.#currentTable(),
      adopt: (answer) => this.#adopt(answer),
      uptimeMs: () => now() - this.#createdAt,
      writes: () => this.#writes,
    };
  }

  #adopt({ table }: StoreAnswer): FeatureTable {
    if (!this.#closing && !this.#settings.clusterSync) this.#adoptTable(table);
    return table;
  }

  #adoptTable(table: FeatureTable): void {
    const { names, changes } = this.#table;
    // Answers may come in another order than they were made in.
    if (table.names.length < names.length || table.changes < changes || table === this.#table) return;
    this.#useTable(table);
    storeRegistryHashes(this.#page, table.hashes);
  }

  async #end(): Promise<void> {
    this.#names = NO_NAMES;
    this.#writableNames = NO_NAMES;
    if (this.#directReads) this.#directReads.allowed = false;
    const flushed = this.#onDemand?.close();
    releasePage(this.#page);
    try {
      // Otherwise in this turn: it may be the last one of the process.
      if (flushed) await flushed;
    } finally {
      await this.#settings.store?.close();
    }
  }
}

// An `EventEmitter` by its prototype alone: what it keeps for its listeners comes with the first of them, so that the
// many configs nobody listens to stay small.
inheritFromEmitter(ProductionConfig.prototype);
