/** The public interfaces. This module imports nothing; the classes and functions that use them are exported by `index.ts`. */

// ---- Opening ----------------------------------------------------------------------------------------------------

/** The features of a config without a `features` option, from bit 0 up: {@link DEFAULT_FEATURES}. */
export type DefaultFeature =
  | 'debug'
  | 'verbose'
  | 'metrics'
  | 'logging'
  | 'caching'
  | 'compression'
  | 'encryption'
  | 'validation'
  | 'beta_feature'
  | 'new_feature'
  | 'maintenance_mode';

/**
 * What a program says of a feature in its `features` option. Description, owner and expiry are kept in the database, for
 * people: `13byte-config describe` and `stale` show them. What is omitted everywhere stays as another program said it.
 */
export interface FeatureDeclaration {
  /** What the feature does, up to 1,000 characters. */
  readonly description?: string | undefined;
  /** Who answers for it, up to 255 characters. */
  readonly owner?: string | undefined;
  /** When it should be gone: a date such as `2027-03-01`, with or without a time. Nothing happens to the feature then. */
  readonly expires?: string | Date | undefined;
  /**
   * Whether the feature starts switched on: once in each environment of a database, in a revision with the reason `declared`,
   * unless the history has a change of it. What was decided stays. Default: false.
   */
  readonly enabled?: boolean | undefined;
  /** The percentage of keys that it starts with, 0 to 100 in steps of 0.01; see `enabled`. Default: 100. */
  readonly rollout?: number | undefined;
}

/** The features of a program: their names, or an object with what there is to say of each. */
export type FeatureList = readonly string[] | { readonly [name: string]: FeatureDeclaration };

/** The names in a {@link FeatureList}. */
export type FeatureNames<Features extends FeatureList> = Features extends readonly (infer Name extends string)[]
  ? Name
  : keyof Features & string;

/** What is known of a feature, from {@link ProductionConfig.getFeatureInfo}. */
export interface FeatureInfo<Name extends string = string> {
  /** Its name. */
  readonly name: Name;
  /** Its bit in the flags of the record; `null` if none was left for it. */
  readonly bit: number | null;
  /** What it does, if a program has said so. */
  readonly description: string | null;
  /** Who answers for it. */
  readonly owner: string | null;
  /** When it should be gone. */
  readonly expires: Date | null;
  /** Whether it is retired. */
  readonly retired: boolean;
}

/** A retired feature. */
export interface RetiredFeature {
  /** Its name. */
  readonly name: string;
  /** Its bit, which a new feature may get when no other is left. */
  readonly bit: number;
  /** When it was retired. */
  readonly retiredAt: Date;
}

/** Options of {@link createProductionConfig} and {@link createDevelopmentConfig}. An unknown option is an error. */
export interface ConfigOptions<Features extends FeatureList = readonly DefaultFeature[]> {
  /**
   * The SQLite file that keeps the history. It is created if it does not exist; its directory must exist. Without it, the
   * config lives in memory only.
   */
  persistPath?: string | undefined;

  /**
   * Which of the histories in the file this config uses: a letter, digit or `_`, then up to 63 letters, digits, `_`, `.`
   * or `-`. Default: `NODE_ENV`, or `development` if that is not set.
   */
  environment?: string | undefined;

  /**
   * The names of up to 256 features: each a letter, then up to 62 letters, digits, `_`, `.` or `-`. A name keeps the bit it
   * first got in a database, whatever its place in later lists. When all 256 bits of a database have names, further names
   * read as off and cannot be changed, and health and a warning say so. Default: the names in the database, or
   * {@link DEFAULT_FEATURES} in a new one; an empty list registers none.
   *
   * With an object, each name has a {@link FeatureDeclaration}.
   *
   * @example
   * const features = { checkout: { description: 'The new checkout', owner: 'payments', expires: '2027-03-01', rollout: 10 } };
   */
  // With `Features` alone, editors would not complete what is in a declaration.
  features?: Features | { readonly [name: string]: FeatureDeclaration } | undefined;

  /**
   * Shares the live state with every process and thread of this machine that opens the same database and environment: one
   * memory, in which a change is visible at once. Without `persistPath`, processes with the same `clusterName` share.
   * `'if-live'` joins a live state that a running program shares, and never creates one: without such a program the state
   * belongs to this config alone. `config.live` tells which. Default: false, and the state belongs to this config alone.
   */
  enableClusterSync?: boolean | 'if-live' | undefined;

  /**
   * With `enableClusterSync` and without `persistPath`: the name of the shared state. Same rule as `environment`. Default:
   * derived from the working directory.
   */
  clusterName?: string | undefined;

  /**
   * Persists the changes made through this config automatically, with the reason `auto`, 250 ms after the first of them,
   * or `debounceMs` milliseconds. A state that the last revision already holds is not persisted again. A failed attempt is
   * repeated until it succeeds or the config is closed. Needs `persistPath`. Default: false.
   */
  autoPersist?: boolean | AutoPersistOptions | undefined;

  /**
   * Takes over what other programs and the command line persist, within half a second, and tells listeners of it. What this
   * config has changed itself stays. Of use without `enableClusterSync`, with which changes are visible at once. Needs
   * `persistPath`. Default: false, and others' changes come with the next `persist()` or `load()`.
   */
  follow?: boolean | undefined;

  /** Times every operation and shows the figures in the debug view. Costs about 100 ns per operation. Default: false. */
  debugMode?: boolean | undefined;

  /** Who is recorded with each revision, up to 255 characters. Default: the user name and the process id. */
  actor?: string | undefined;

  /** Starts from the last persisted state if there is one. Default: true. */
  autoLoad?: boolean | undefined;

  /**
   * What happens if the database cannot be opened: `throw` (default) throws the error; `degrade` runs in memory, and says so
   * in `validate()`, in the debug view, and in the error of every `persist()`.
   */
  onStoreError?: 'throw' | 'degrade' | undefined;

  /** Fails every change of the state and of the database, which must exist. Default: false. */
  readOnly?: boolean | undefined;

  /** Fails with `ERR_STORE_NOT_FOUND` if the database does not exist, instead of creating it. Default: false. */
  fileMustExist?: boolean | undefined;

  /**
   * With `enableClusterSync`: fails with `ERR_NOT_LIVE` if no running program shares this live state, instead of creating
   * one. For tools that are only useful beside running programs. Default: false.
   */
  liveMustExist?: boolean | undefined;
}

/** Options of automatic persisting. */
export interface AutoPersistOptions {
  /** Milliseconds from the first change to its persisting, 0 to 86,400,000 (a day). Default: 250. */
  debounceMs?: number | undefined;
}

/**
 * A handle of a config, from {@link ProductionConfig.share}: plain data for `workerData`, `postMessage` or a message to a
 * child process. {@link attachConfig} returns the same config there.
 */
export interface ConfigHandle<Name extends string = string> {
  /** Identifies a handle. */
  readonly type: '13byte-config';
  /** The identity of the state page, 16 hexadecimal digits. */
  readonly pageId: string;
  /** The environment of the config. */
  readonly environment: string;
  /** The feature names, from bit 0 up. */
  readonly features: readonly Name[];
  /** Those that are retired, if there are any. */
  readonly retiredFeatures?: readonly string[] | undefined;
  /** Names that the config was opened with and that have no bit, if there are any. */
  readonly featuresWithoutBit?: readonly string[] | undefined;
  /** The absolute path of the database, if there is one. */
  readonly persistPath?: string | undefined;
  /** Whether other processes can attach. */
  readonly enableClusterSync: boolean;
  /** The name of the shared state if there is no database. */
  readonly clusterName?: string | undefined;
  /** Milliseconds from a change to its automatic persisting, with `autoPersist`. */
  readonly autoPersistMs?: number | undefined;
  /** Whether changes fail. */
  readonly readOnly: boolean;
  /** The `actor` that the config was opened with. */
  readonly actor?: string | undefined;
  /** Whether operations are timed. */
  readonly debugMode: boolean;
  /** The state page, in runtimes that can share it. It keeps the page alive while the handle is in transit. */
  readonly buffer?: SharedArrayBuffer | undefined;
}

// ---- State ------------------------------------------------------------------------------------------------------

/** 13 bytes, in any of the types that JavaScript has for bytes. */
export type RecordBytes = ArrayBufferLike | ArrayBufferView;

/** Terminal mode, rows and columns. */
export interface TerminalSettings {
  /** 0 disabled, 1 cooked, 2 raw, 3 pipe. */
  readonly mode: number;
  /** 1–255. */
  readonly rows: number;
  /** 1–255. */
  readonly cols: number;
}

/** The name of a terminal mode. */
export type TerminalModeName = 'disabled' | 'cooked' | 'raw' | 'pipe' | 'unknown';

/** One feature of a config. */
export interface Feature<Name extends string = string> {
  /** The name of the feature. */
  readonly name: Name;
  /** Whether the feature is on now. */
  readonly enabled: boolean;
  /** Enables the feature. Returns whether this call changed anything. */
  enable(): boolean;
  /** Disables the feature. Returns whether this call changed anything. */
  disable(): boolean;
  /** Whether the feature is on for this key, see {@link ProductionConfig.isFeatureEnabledFor}. */
  isEnabledFor(key: string): boolean;
  /** The percentage of keys that the feature is on for while it is on, 0 to 100. */
  readonly rollout: number;
  /** What `JSON.stringify(feature)` writes. */
  toJSON(): { readonly name: Name; readonly enabled: boolean; readonly rollout: number };
}

/**
 * Collects the changes of one {@link ProductionConfig.update} or {@link ProductionConfig.commit}. Later calls win. It cannot be
 * used after that.
 */
export interface ConfigDraft<in Name extends string = DefaultFeature> {
  /** Enables features. */
  enable(...names: Name[]): void;
  /** Enables a feature for a percentage of keys, 0 to 100 in steps of 0.01: nobody sees one without the other. */
  enable(name: Name, options: { rollout?: number | undefined }): void;
  /** Disables features. */
  disable(...names: Name[]): void;
  /** Enables or disables a feature. */
  set(name: Name, on: boolean): void;
  /** Sets the percentage of keys that a feature is on for while it is on, 0 to 100 in steps of 0.01. */
  rollout(name: Name, percent: number): void;
  /** Sets mode (0–3), rows and columns (1–255). */
  terminal(mode: number, rows: number, cols: number): void;
}

/** The switch and the rollout of a feature. */
export interface FeatureState {
  /** Whether it is on. */
  readonly enabled: boolean;
  /** The percentage of keys that it is on for while it is on, 0 to 100 in steps of 0.01. */
  readonly rollout: number;
}

/** A whole state by name: what {@link ProductionConfig.getState} returns and {@link ProductionConfig.apply} takes. */
export interface ConfigState<Name extends string = string> {
  /** Terminal mode, rows and columns. */
  readonly terminal: TerminalSettings;
  /** Features by name. Features that are missing from a state given to `apply` keep their values. */
  readonly features: { readonly [name in Name]?: FeatureState };
}

/** The differences between two states. */
export interface StateChanges {
  /** Features that were enabled, in bit order. */
  readonly enabled: string[];
  /** Features that were disabled, in bit order. */
  readonly disabled: string[];
  /** The terminal settings before and after, if they differ. */
  readonly terminal?: { readonly from: TerminalSettings; readonly to: TerminalSettings };
  /** The rollout percentages before and after, of the features whose rollout differs. */
  readonly rollouts?: { readonly [name: string]: { readonly from: number; readonly to: number } };
}

/** A change that a listener is notified of. Changes in quick succession are combined; the last state is never missed. */
export interface ConfigChange<Name extends string = string> extends StateChanges {
  /** Features that were enabled, in bit order. */
  readonly enabled: Name[];
  /** Features that were disabled, in bit order. */
  readonly disabled: Name[];
  /** Increases with every change of the state. */
  readonly generation: number;
  /**
   * Whether all of it was changed through this config. Changes by `load`, `rollback`, `promote` and `apply` count as
   * foreign.
   */
  readonly local: boolean;
}

// ---- Views ------------------------------------------------------------------------------------------------------

/** The result of {@link ProductionConfig.validate}. */
export interface Validation {
  /** Whether there are no errors. */
  readonly isValid: boolean;
  /** One sentence per error. */
  readonly errors: string[];
}

/**
 * The state for people to read. The object and everything in it are frozen. As long as the state does not change, the same
 * object is returned.
 */
export interface DebugView<Name extends string = string> {
  /** Record format, 1. */
  readonly version: number;
  /** Hash of the first 32 feature names. */
  readonly registryHash: number;
  /** The environment of the config. */
  readonly environment: string;
  /** The features that are on and off, in bit order. */
  readonly features: { readonly enabled: readonly Name[]; readonly disabled: readonly Name[] };
  /** The terminal settings. */
  readonly terminal: {
    /** 0 disabled, 1 cooked, 2 raw, 3 pipe. */
    readonly mode: number;
    readonly modeName: TerminalModeName;
    /** Rows and columns, such as `50x120`. */
    readonly dimensions: string;
    readonly rows: number;
    readonly cols: number;
  };
  /** The percentage of each feature that is not rolled out to all keys. */
  readonly rollouts: { readonly [name: string]: number };
  /** The 13 bytes: the record of the first 32 features. */
  readonly raw: { readonly hex: string; readonly bytes: readonly number[] };
  /** Increases with every change of the state. */
  readonly generation: number;
  /** The last persisted revision, or `null` if there is none. */
  readonly revision: number | null;
  /** The database. */
  readonly store: StoreStatus;
  /** With `debugMode`: how long the operations took. */
  readonly timings?: Timings;
}

/** The database of a config, and whether it can be used. */
export interface StoreStatus {
  /** `none` without `persistPath`; `degraded` if the database could not be opened, or an automatic persist failed. */
  readonly status: 'none' | 'ok' | 'degraded';
  /** The path of the database. */
  readonly path?: string;
  /** Why the status is `degraded`. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** How long the calls of one operation took, in nanoseconds. */
export interface OperationTiming {
  /** The number of calls. */
  readonly calls: number;
  readonly totalNs: number;
  readonly lastNs: number;
  readonly minNs: number;
  readonly meanNs: number;
  readonly maxNs: number;
}

/** Timings by operation, of the operations that were called. */
export interface Timings {
  readonly [operation: string]: OperationTiming;
}

// ---- History ----------------------------------------------------------------------------------------------------

/** A persisted revision. */
export interface HistoryEntry {
  /** Its number, unique in the file and increasing. */
  readonly revision: number;
  /** The environment it belongs to. */
  readonly environment: string;
  /**
   * `snapshot`: the live state as `persist` found it. `commit`: changes that were made on disk first, by `commit`,
   * `rollback`, `promote` or `apply`.
   */
  readonly kind: 'commit' | 'snapshot';
  /** Why it was written. */
  readonly changeReason: string;
  /** Who wrote it. */
  readonly actor: string;
  /** The 13 bytes of each bank that had names, as `0x` and 26 hexadecimal digits for each. */
  readonly configHex: string;
  /** When it was written, by the clock of the machine. */
  readonly createdAt: Date;
  /** The differences from the state that was in effect before it: `+name`, `-name`, `name 10% → 50%`, `terminal raw 24x80 → …`. */
  readonly changes: readonly string[];
  /** The revision whose state this one repeats, after a rollback or promotion; otherwise `null`. */
  readonly restoredFrom: number | null;
  /** SHA-256 over its content and the digest of the revision before it, in hexadecimal. */
  readonly digest: string;
}

/** The differences between two revisions. */
export interface ConfigDiff extends StateChanges {
  /** The older side of the comparison. */
  readonly from: number;
  /** The newer side of the comparison. */
  readonly to: number;
  /** The same differences as lines to print. */
  readonly changes: readonly string[];
}

/** Options of `persist`, `persistSync`, `commit` and `apply`. */
export interface RevisionOptions {
  /** Who is recorded, up to 255 characters. Default: the `actor` of the config. */
  actor?: string | undefined;
  /** Fails with `ERR_REVISION_CONFLICT` unless this is the last revision of the environment; 0 means none. */
  ifRevision?: number | undefined;
}

/** Options of `rollback` and `promote`. */
export interface RestoreOptions extends RevisionOptions {
  /** The reason for the history, up to 1,000 characters. Default: what is done, such as `rollback to revision 7`. */
  reason?: string | undefined;
}

/** Options of {@link compactNames}. */
export interface CompactOptions {
  /** Recorded with the revisions that it writes. Default: the user and the process id. */
  actor?: string | undefined;
}

/** Options of {@link ProductionConfig.retireFeature}. */
export interface RetireOptions extends RestoreOptions {
  /** Retire it also if it is on in some environment. Default: `false`. */
  force?: boolean | undefined;
}

/** The progress of a long operation. */
export interface WorkProgress {
  /** How much is done: revisions, or pages of a backup. */
  readonly done: number;
  /** The total, which may grow during the operation. */
  readonly total: number;
}

/** Options of long operations on the database. */
export interface WorkOptions {
  /** Called after each slice. If it throws, the operation stops and the promise rejects with that error. */
  onProgress?: ((progress: WorkProgress) => void) | undefined;
  /** Stops the operation when aborted; the promise then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Options of {@link ProductionConfig.verify}. */
export interface VerifyOptions extends WorkOptions {
  /**
   * A digest of this environment that was kept elsewhere: the `head` of an earlier check, or the `digest` of a revision.
   * The chain must contain it.
   */
  expectedHead?: string | undefined;
}

/** A problem in the history. */
export interface HistoryBreach {
  /** The revision it was found at; `null` if it concerns none, or the file as a whole. */
  readonly revision: number | null;
  /** The environment of that revision; `null` if unknown. */
  readonly environment: string | null;
  /** What is wrong. */
  readonly problem: string;
}

/** The result of {@link ProductionConfig.verify}. */
export interface Verification {
  /** Whether there are no problems. */
  readonly ok: boolean;
  /** How many revisions were checked, in all environments of the file. */
  readonly revisions: number;
  /**
   * The digest at the end of this environment's chain, or `null` if it has none. Keep it elsewhere and pass it as
   * `expectedHead` later.
   */
  readonly head: string | null;
  /** The chain of every environment in the file, by name. */
  readonly environments: readonly VerifiedEnvironment[];
  /** The first broken revision, if there is one. */
  readonly firstBroken?: HistoryBreach;
  /** All problems, those of revisions first and in order; at most 101. */
  readonly problems: readonly HistoryBreach[];
}

/** The chain of one environment. */
export interface VerifiedEnvironment {
  /** The name of the environment. */
  readonly environment: string;
  /** The number of its revisions. */
  readonly revisions: number;
  /** The number of revisions that were pruned. */
  readonly pruned: number;
  /** The digest at its end. */
  readonly head: string;
}

/** Options of {@link ProductionConfig.prune}. */
export interface PruneOptions extends WorkOptions {
  /** How many of the newest revisions of this environment to keep, 1 or more. */
  keep: number;
  /** Who is recorded, up to 255 characters. Default: the `actor` of the config. */
  actor?: string | undefined;
}

/** The result of {@link ProductionConfig.prune}. */
export interface PruneResult {
  /** How many revisions were removed. */
  readonly removed: number;
  /** How many revisions this environment has now. */
  readonly kept: number;
  /** The oldest remaining revision, or `null` if there is none. */
  readonly oldest: number | null;
  /** The digest at the end of the chain, which is new if anything was removed; `null` if the environment is empty. */
  readonly head: string | null;
  /** Bytes of the file that later revisions can use. The file does not shrink. */
  readonly freeBytes: number;
}

/** Options of {@link ProductionConfig.backup}. */
export interface BackupOptions extends WorkOptions {
  /** Replaces an existing file. Default: false, which fails with `ERR_BACKUP` if the file exists. */
  overwrite?: boolean | undefined;
  /** How many pages of the database to copy before persists get their turn. Default: 256, which is 1 MiB. */
  pagesPerStep?: number | undefined;
}

/** The result of {@link ProductionConfig.backup}. */
export interface BackupResult {
  /** The absolute path of the copy. */
  readonly path: string;
  /** Its size. */
  readonly bytes: number;
  /** The number of its revisions, in all environments. */
  readonly revisions: number;
}

// ---- Files ------------------------------------------------------------------------------------------------------

/** Which of the files of a config a check is about. */
export type FileCheckName =
  | 'database'
  | 'directory'
  | 'file-system'
  | 'database-wal'
  | 'database-shm'
  | 'database-journal'
  | 'live-file-permissions'
  | 'doorbells';

/** The result of one check of {@link checkFiles}. */
export interface FileCheck {
  /** What was checked. */
  readonly name: FileCheckName;
  /** The result. */
  readonly status: HealthStatus;
  /** What was found. */
  readonly message: string;
  /** What to do, or `null` if there is no problem. */
  readonly fix: string | null;
}

// ---- Health and metrics -----------------------------------------------------------------------------------------

/** `ok`; `degraded`: works, but needs attention; `failed`: something does not work. */
export type HealthStatus = 'ok' | 'degraded' | 'failed';

/** What a check of the health is about. */
export type HealthCheckName =
  | 'config'
  | 'page'
  | 'features'
  | 'live-file'
  | 'listening'
  | 'store'
  | 'store-thread'
  | 'last-persist'
  | 'database-files'
  | 'wal-size'
  | 'disk-space'
  | 'chain-head';

/** The result of one check. */
export interface HealthCheck {
  /** What was checked. */
  readonly name: HealthCheckName;
  /** The result. */
  readonly status: HealthStatus;
  /** What was found, with figures, and what to do about it. */
  readonly message: string;
}

/** The result of {@link ProductionConfig.healthCheck}. */
export interface Health {
  /** The worst status of all checks. */
  readonly status: HealthStatus;
  /** The checks: those of the config, then those of its database. */
  readonly checks: readonly HealthCheck[];
}

/**
 * Counters, gauges and latencies of a config and its database. The object is a copy and does not change.
 *
 * Figures **of this config** count from its creation in this thread. Figures **of the process**, which are all those in
 * `store`, are shared by all configs of the process with the same database, in all threads, and count from when the first
 * of them opened it.
 */
export interface Metrics {
  /** The environment of this config. */
  readonly environment: string;
  /** Milliseconds since this config was created. */
  readonly uptimeMs: number;
  /** Counts the changes of the state, whatever made them, modulo 2^32. A rollback or promotion takes a large step. */
  readonly generation: number;
  /** The last persisted revision, or `null` if there is none. */
  readonly revision: number | null;
  /** All features by name. */
  readonly features: { readonly [name: string]: FeatureMetrics };
  /** Changes made through this config. Calls that changed nothing are not counted. */
  readonly writes: number;
  /** The changes that the listeners of this config were notified of. */
  readonly changes: ChangeMetrics;
  /** The number of `'change'` listeners of this config. */
  readonly listeners: number;
  /**
   * Time from a change, whatever made it, until the listeners of this config get their turn. Of changes that are combined,
   * the first one counts.
   */
  readonly listenerLag: LatencyMetrics;
  /** Whether this config can persist: `none` without `persistPath`, `degraded` if persisting fails. */
  readonly storeStatus: StoreStatus['status'];
  /** The database as this process sees it, or `null` if it is not open. */
  readonly store: StoreMetrics | null;
  /** With `debugMode`: how long the operations of this config took, including reads. */
  readonly timings?: Timings;
}

/** One feature. */
export interface FeatureMetrics {
  /** Whether it is on. */
  readonly enabled: boolean;
  /** The percentage of keys that it is on for while it is on. */
  readonly rollout: number;
}

/** Changes that listeners were notified of: one for each `'change'` event and each iteration over `changes()`. */
export interface ChangeMetrics {
  /** Changes made through this config. */
  readonly local: number;
  /** All others: by other configs, threads and processes, and by the store. */
  readonly foreign: number;
}

/** A latency in milliseconds. Percentiles are exact to one percent. All are `null` as long as nothing was measured. */
export interface LatencyMetrics {
  /** The number of measurements. */
  readonly count: number;
  /** The mean. */
  readonly meanMs: number | null;
  /** The median. */
  readonly p50Ms: number | null;
  /** The 99th percentile. */
  readonly p99Ms: number | null;
  /** The maximum. */
  readonly maxMs: number | null;
}

/** The database of a config as this process sees it. */
export interface StoreMetrics {
  /** The persists in the environment of this config. */
  readonly persists: PersistMetrics;
  /** The transactions that wrote revisions, in all environments. */
  readonly commits: CommitMetrics;
  /** The number of failed operations by error code, in all environments. A refusal by `ifRevision` is not a failure. */
  readonly errors: { readonly [code: string]: number };
  /** Operations that are queued or in progress. */
  readonly pending: number;
  /** How often the file was reopened, after a failure or for the first config that writes. */
  readonly reopenings: number;
  /** The size of the database, or `null` if it cannot be determined. */
  readonly databaseBytes: number | null;
  /** The size of its wal, or `null` if it cannot be determined. */
  readonly walBytes: number | null;
  /** The free space on the file system of the database, or `null` if it cannot be determined. */
  readonly freeBytes: number | null;
}

/** The persists of this process in one environment, including automatic ones. */
export interface PersistMetrics {
  /** How many were acknowledged, and are therefore on disk. */
  readonly ok: number;
  /** How many failed. */
  readonly failed: number;
  /** How many were refused because of `ifRevision`: another caller had persisted in between. That is not a failure. */
  readonly refused: number;
  /** Time from the call to the acknowledgement, of those that succeeded. */
  readonly latency: LatencyMetrics;
}

/** The transactions of this process that wrote revisions. Persists of one turn share a transaction. */
export interface CommitMetrics {
  /** The number of transactions. */
  readonly count: number;
  /** The number of revisions they wrote. */
  readonly revisions: number;
  /** The median number of revisions per transaction, or `null` if there was none. */
  readonly revisionsP50: number | null;
  /** The largest number of revisions in one transaction, or `null` if there was none. */
  readonly revisionsMax: number | null;
  /** How long they took, including waiting for other processes and the sync to disk. */
  readonly latency: LatencyMetrics;
}
