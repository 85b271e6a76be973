// Generated from lib by `npm run build`. Edit the sources, not this file.

/// <reference lib="esnext.disposable" />

/** The public interfaces. This module imports nothing; the classes and functions that use them are exported by `index.ts`. */
/** The features of a config without a `features` option, from bit 0 up: {@link DEFAULT_FEATURES}. */
export type DefaultFeature = "debug" | "verbose" | "metrics" | "logging" | "caching" | "compression" | "encryption" | "validation" | "beta_feature" | "new_feature" | "maintenance_mode";
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
export type FeatureList = readonly string[] | {
	readonly [name: string]: FeatureDeclaration;
};
/** The names in a {@link FeatureList}. */
export type FeatureNames<Features extends FeatureList> = Features extends readonly (infer Name extends string)[] ? Name : keyof Features & string;
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
	features?: Features | {
		readonly [name: string]: FeatureDeclaration;
	} | undefined;
	/**
	 * Shares the live state with every process and thread of this machine that opens the same database and environment: one
	 * memory, in which a change is visible at once. Without `persistPath`, processes with the same `clusterName` share.
	 * `'if-live'` joins a live state that a running program shares, and never creates one: without such a program the state
	 * belongs to this config alone. `config.live` tells which. Default: false, and the state belongs to this config alone.
	 */
	enableClusterSync?: boolean | "if-live" | undefined;
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
	onStoreError?: "throw" | "degrade" | undefined;
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
	readonly type: "13byte-config";
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
export type TerminalModeName = "disabled" | "cooked" | "raw" | "pipe" | "unknown";
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
	toJSON(): {
		readonly name: Name;
		readonly enabled: boolean;
		readonly rollout: number;
	};
}
/**
 * Collects the changes of one {@link ProductionConfig.update} or {@link ProductionConfig.commit}. Later calls win. It cannot be
 * used after that.
 */
export interface ConfigDraft<in Name extends string = DefaultFeature> {
	/** Enables features. */
	enable(...names: Name[]): void;
	/** Enables a feature for a percentage of keys, 0 to 100 in steps of 0.01: nobody sees one without the other. */
	enable(name: Name, options: {
		rollout?: number | undefined;
	}): void;
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
	readonly features: {
		readonly [name in Name]?: FeatureState;
	};
}
/** The differences between two states. */
export interface StateChanges {
	/** Features that were enabled, in bit order. */
	readonly enabled: string[];
	/** Features that were disabled, in bit order. */
	readonly disabled: string[];
	/** The terminal settings before and after, if they differ. */
	readonly terminal?: {
		readonly from: TerminalSettings;
		readonly to: TerminalSettings;
	};
	/** The rollout percentages before and after, of the features whose rollout differs. */
	readonly rollouts?: {
		readonly [name: string]: {
			readonly from: number;
			readonly to: number;
		};
	};
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
	readonly features: {
		readonly enabled: readonly Name[];
		readonly disabled: readonly Name[];
	};
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
	readonly rollouts: {
		readonly [name: string]: number;
	};
	/** The 13 bytes: the record of the first 32 features. */
	readonly raw: {
		readonly hex: string;
		readonly bytes: readonly number[];
	};
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
	readonly status: "none" | "ok" | "degraded";
	/** The path of the database. */
	readonly path?: string;
	/** Why the status is `degraded`. */
	readonly error?: {
		readonly code: string;
		readonly message: string;
	};
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
	readonly kind: "commit" | "snapshot";
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
/** Which of the files of a config a check is about. */
export type FileCheckName = "database" | "directory" | "file-system" | "database-wal" | "database-shm" | "database-journal" | "live-file-permissions" | "doorbells";
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
/** `ok`; `degraded`: works, but needs attention; `failed`: something does not work. */
export type HealthStatus = "ok" | "degraded" | "failed";
/** What a check of the health is about. */
export type HealthCheckName = "config" | "page" | "features" | "live-file" | "listening" | "store" | "store-thread" | "last-persist" | "database-files" | "wal-size" | "disk-space" | "chain-head";
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
	readonly features: {
		readonly [name: string]: FeatureMetrics;
	};
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
	readonly storeStatus: StoreStatus["status"];
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
	readonly errors: {
		readonly [code: string]: number;
	};
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
/** The fields of a record. */
export type CoreFields = {
	readonly [field in "version" | "registryHash" | "featureFlags" | "terminalMode" | "terminalRows" | "terminalCols" | "reserved"]: number;
};
/**
 * The 13-byte record as a plain value, without shared memory and history.
 *
 * | offset | field | type |
 * |---|---|---|
 * | 0 | version | u8 |
 * | 1 | registry hash | u32, little-endian |
 * | 5 | feature flags | u32, little-endian |
 * | 9 | terminal mode | u8 |
 * | 10 | rows | u8 |
 * | 11 | cols | u8 |
 * | 12 | reserved: the number of the bank | u8 |
 *
 * A config of more than 32 features has a record for each bank of 32, see {@link ProductionConfig.toBanks}. Those after the
 * first have no terminal. Setters check their values. The constructor accepts any bytes, since they may come from another program.
 *
 * @example
 * const core = new ConfigCore13Byte();
 * core.toHex(); // '0x01785634120700000002185000'
 */
export declare class ConfigCore13Byte {
	#private;
	/**
	 * @param bytes - The 13 bytes to copy. Default: the default record (bits 0 to 2 on, raw terminal, 24 × 80).
	 * @throws RangeError `ERR_BUFFER_LENGTH` for any other number of bytes.
	 */
	constructor(bytes?: RecordBytes);
	/**
	 * Parses the output of {@link ConfigCore13Byte.toHex}: `0x` and 26 hexadecimal digits.
	 *
	 * @throws RangeError `ERR_INVALID_VALUE` for any other text.
	 */
	static fromHex(hex: string): ConfigCore13Byte;
	/** Record format, 1. */
	get version(): number;
	/** Hash of the feature names, 0 to 2^32 − 1. */
	get registryHash(): number;
	/** All flags, 0 to 2^32 − 1. */
	get featureFlags(): number;
	/** 0 disabled, 1 cooked, 2 raw, 3 pipe. */
	get terminalMode(): number;
	/** Rows of the terminal, 1–255. */
	get terminalRows(): number;
	/** Columns of the terminal, 1–255. */
	get terminalCols(): number;
	/** The number of the bank: 0 for the first 32 features, which is also the one with the terminal. */
	get reserved(): number;
	/** Sets the record format; 1 is the only one. */
	setVersion(version: number): void;
	/** Sets the hash of the feature names, 0 to 2^32 − 1. */
	setRegistryHash(hash: number): void;
	/** Sets all flags, 0 to 2^32 − 1. */
	setFeatureFlags(flags: number): void;
	/** Sets the terminal mode, 0–3. */
	setTerminalMode(mode: number): void;
	/** Sets the rows of the terminal, 1–255. */
	setTerminalRows(rows: number): void;
	/** Sets the columns of the terminal, 1–255. */
	setTerminalCols(cols: number): void;
	/** Sets the number of the bank, 0–7. */
	setReserved(reserved: number): void;
	/** Whether the flag of this bit, 0–31, is set. */
	hasFeature(bit: number): boolean;
	/** Sets or clears the flag of this bit, 0–31. */
	setFeature(bit: number, on: boolean): void;
	/** Toggles the flag of this bit, 0–31, and returns its new value. */
	toggleFeature(bit: number): boolean;
	/** A copy of the 13 bytes. */
	toBuffer(): ArrayBuffer;
	/** The value for `JSON.stringify(core)`: the fields. */
	toJSON(): CoreFields;
	/** The bytes as `0x` and 26 lower-case hexadecimal digits. */
	toHex(): string;
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
export declare class ProductionConfig<in Name extends string = DefaultFeature> {
	#private;
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
	/**
	 * Whether there is a feature of this name, including those that other programs registered in the database. A retired one can
	 * be asked for until its bit has another name.
	 *
	 * @throws TypeError `ERR_INVALID_TYPE` when the name is not a string.
	 */
	hasFeature(name: string): boolean;
	/**
	 * Enables a feature in the shared memory of this config. Concurrent flips of other features are never lost.
	 *
	 * @returns Whether this call changed anything.
	 * @throws ConfigError `ERR_UNKNOWN_FEATURE`, which lists the available names.
	 */
	enableFeature(name: Name): boolean;
	/**
	 * Disables a feature in the shared memory of this config.
	 *
	 * @returns Whether this call changed anything.
	 * @throws ConfigError `ERR_UNKNOWN_FEATURE`, which lists the available names.
	 */
	disableFeature(name: Name): boolean;
	/**
	 * Enables or disables a feature.
	 *
	 * @returns Whether this call changed anything.
	 * @throws TypeError `ERR_INVALID_TYPE` when `on` is not a boolean.
	 */
	setFeature(name: Name, on: boolean): boolean;
	/** Atomically toggles a feature, and returns whether it is on now. */
	toggleFeature(name: Name): boolean;
	/**
	 * One feature, for code that reads it often.
	 *
	 * @example
	 * const beta = config.feature('beta_feature');
	 * if (beta.enabled) showBeta();
	 */
	feature<Own extends Name>(name: Own): Feature<Own>;
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
	isFeatureEnabledFor(name: Name, key: string): boolean;
	/** The percentage of keys that a feature is on for while it is on, 0 to 100. Default: 100. */
	getRollout(name: Name): number;
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
	setRollout(name: Name, percent: number): boolean;
	/** The names of the features that are on, in bit order. */
	getEnabledFeatures<Own extends Name = Name>(): Own[];
	/**
	 * The names of all features, in bit order, including those that other programs registered in the database, and without
	 * retired ones.
	 */
	getFeatureNames(): string[];
	/**
	 * The bit of a feature, and what programs have said of it when they listed it. Reads the database, if there is one, so it
	 * is not for hot paths.
	 *
	 * @throws ConfigError `ERR_UNKNOWN_FEATURE`, and errors of the database.
	 * @example
	 * const { description, owner, expires } = config.getFeatureInfo('checkout');
	 */
	getFeatureInfo<Own extends Name>(name: Own): FeatureInfo<Own>;
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
	retireFeature(name: string | readonly string[], options?: RetireOptions): Promise<HistoryEntry>;
	/**
	 * Takes back that a feature, or several, was retired, with the value that it has.
	 *
	 * @throws ConfigError `ERR_UNKNOWN_FEATURE` if its bit has another name by now; the errors of `commit`.
	 */
	reviveFeature(name: string | readonly string[], options?: RestoreOptions): Promise<HistoryEntry>;
	/** The retired features of the database, the longest retired first. */
	getRetiredFeatures(): Promise<RetiredFeature[]>;
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
	update(edit: (draft: ConfigDraft<Name>) => void): boolean;
	/**
	 * Sets the flags of the first 32 features and the terminal settings from a 13-byte record, as one change. Values out of range
	 * are accepted, and reported by {@link ProductionConfig.validate}. The version and the registry hash of the record are ignored.
	 *
	 * @throws RangeError `ERR_BUFFER_LENGTH`: `Buffer must be exactly 13 bytes`; `ERR_INVALID_VALUE` for the record of another bank.
	 */
	updateFromBuffer(bytes: RecordBytes): void;
	/**
	 * Sets the flags of all features and the terminal settings from what {@link ProductionConfig.toBanks} returns, as one change.
	 * Version and registry hashes are ignored; values out of range are accepted as in {@link ProductionConfig.updateFromBuffer}.
	 *
	 * @throws RangeError `ERR_BUFFER_LENGTH`, such as `Buffer must be exactly 104 bytes (13 for each of 8 banks)`;
	 *   `ERR_INVALID_VALUE` if the records are not those of the banks in their order.
	 */
	updateFromBanks(bytes: RecordBytes): void;
	/**
	 * Sets mode, rows and columns as one change.
	 *
	 * @param mode - 0 disabled, 1 cooked, 2 raw, 3 pipe.
	 * @param rows - 1–255.
	 * @param cols - 1–255.
	 * @throws RangeError `ERR_OUT_OF_RANGE`, such as `Invalid rows: 0 (must be 1-255)`.
	 */
	setTerminalSettings(mode: number, rows: number, cols: number): void;
	/** Mode, rows and columns, from one atomic read. */
	getTerminalSettings(): TerminalSettings;
	/** Record format, 1. */
	get version(): number;
	set version(version: number);
	/** Hash of the first 32 feature names, 0 to 2^32 − 1. Informational: nothing depends on it. */
	get registryHash(): number;
	set registryHash(hash: number);
	/**
	 * The flags of the first 32 features as a number, 0 to 2^32 − 1. With bit 31 set, `|=` yields a negative number, which is refused: use
	 * `(flags | x) >>> 0`. Such an expression reads and writes in two steps, so use {@link ProductionConfig.update} where
	 * other writers may interfere.
	 */
	get featureFlags(): number;
	set featureFlags(flags: number);
	/** 0 disabled, 1 cooked, 2 raw, 3 pipe. */
	get terminalMode(): number;
	set terminalMode(mode: number);
	/** Rows of the terminal, 1–255. */
	get rows(): number;
	set rows(rows: number);
	/** Columns of the terminal, 1–255. */
	get cols(): number;
	set cols(cols: number);
	/** Reserved for later formats; 0. */
	get reserved(): number;
	set reserved(reserved: number);
	/**
	 * Whether `enableClusterSync` shares the state with every process that opens the same database and environment.
	 *
	 * @example
	 * const config = createProductionConfig({ persistPath: './config.db', enableClusterSync: 'if-live', readOnly: true });
	 * console.log(config.live ? 'what programs run with' : 'what is persisted');
	 */
	get live(): boolean;
	/** The environment whose history this config reads and writes. */
	get environment(): string;
	/** The 13 bytes: the first 32 features and the terminal settings, from one atomic read. */
	toBytes(): Uint8Array;
	/** These bytes as `0x` and 26 hexadecimal digits. */
	toHex(): string;
	/**
	 * An independent copy of a record.
	 *
	 * @param bank - The bank, which has the 32 features from bit `bank * 32` on. Default: 0.
	 * @throws RangeError `ERR_OUT_OF_RANGE` for a bank that the config does not have.
	 */
	getCore(bank?: number): ConfigCore13Byte;
	/**
	 * The records of all banks, 13 bytes each, as one state. A config has one bank of 32 features, or eight: with a database, with
	 * `enableClusterSync`, or with more than 32 features. The records of the banks after the first have no terminal settings, and
	 * the number of the bank in their last byte.
	 *
	 * @example
	 * const bytes = config.toBanks(); // 104 bytes with a database
	 * new ConfigCore13Byte(bytes.subarray(13, 26)).hasFeature(0); // the 33rd feature
	 */
	toBanks(): Uint8Array;
	/**
	 * The state page as a `SharedArrayBuffer`, 128 bytes for each bank, for code that passes it to worker threads directly.
	 * `undefined` in runtimes that cannot share native memory (see the README's table). `docs/memory.md` describes its
	 * layout; write to it through `Atomics` only.
	 */
	get sharedBuffer(): SharedArrayBuffer | undefined;
	/**
	 * The state in readable form. As long as nothing changes, the same frozen object is returned, except with
	 * `debugMode`, which adds the timings of the operations.
	 */
	getDebugView<Own extends Name = Name>(): DebugView<Own>;
	/**
	 * The state by name, without bits and revisions: for a file, or for {@link ProductionConfig.apply} of another config.
	 * Flags and terminal settings come from one atomic read; rollouts are read right after it.
	 *
	 * @example
	 * await writeFile('flags.json', JSON.stringify(config.getState()));
	 */
	getState<Own extends Name = Name>(): ConfigState<Own>;
	/** The value for `JSON.stringify(config)`: that of {@link ProductionConfig.getState}, or `{ closed: true }`. */
	toJSON<Own extends Name = Name>(): ConfigState<Own> | {
		readonly closed: true;
	};
	/** Validates every field of the state, and reports the status of the database. */
	validate(): Validation;
	/**
	 * Writes the current state to the database as a new revision. When the promise resolves, the revision is on disk and
	 * survives crashes and power failures. Calls without an `await` between them share one transaction; each writes its
	 * own revision, in call order.
	 *
	 * @param reason - The reason for the history, up to 1,000 characters.
	 * @throws ConfigError `ERR_PERSISTENCE_DISABLED`, `ERR_REVISION_CONFLICT`, `ERR_STORE_BUSY`, `ERR_DISK_FULL` and
	 *   others, see `docs/errors.md`. Nothing was written then.
	 */
	persist(reason?: string, options?: RevisionOptions): Promise<HistoryEntry>;
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
	persistSync(reason?: string, options?: RevisionOptions): HistoryEntry;
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
	get persisted(): boolean;
	/**
	 * Loads the last persisted state. Features registered after that revision keep their current value. With
	 * `enableClusterSync` this changes the state of all processes, so a `readOnly` config cannot do it.
	 *
	 * @returns `false` if nothing has been persisted in this environment.
	 */
	load(): Promise<boolean>;
	/**
	 * The revisions of this environment, newest first.
	 *
	 * @param limit - The maximum number, 1–10,000. Default: 50.
	 * @param options - `before`: only revisions with a smaller number, for the next page.
	 */
	getHistory(limit?: number, options?: {
		before?: number | undefined;
	}): Promise<HistoryEntry[]>;
	/**
	 * Restores an earlier state, and records it as a new revision. Features registered after the restored revision keep
	 * their current value.
	 *
	 * @param revision - The revision to restore. Default: the one before the current state, so repeated calls walk back
	 *   through the history.
	 * @throws ConfigError `ERR_REVISION_NOT_FOUND`, `ERR_NOTHING_TO_ROLL_BACK`, `ERR_REVISION_CONFLICT`.
	 */
	rollback(revision?: number, options?: RestoreOptions): Promise<HistoryEntry>;
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
	apply(state: ConfigState<Name>, reason?: string, options?: RevisionOptions): Promise<HistoryEntry>;
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
	commit(edit: (draft: ConfigDraft<Name>) => void, reason?: string, options?: RevisionOptions): Promise<HistoryEntry>;
	/**
	 * The differences between two revisions of this environment.
	 *
	 * @throws ConfigError `ERR_REVISION_NOT_FOUND`.
	 */
	diff(from: number, to: number): Promise<ConfigDiff>;
	/**
	 * The names of the environments that have revisions in this database, sorted.
	 *
	 * @example
	 * await config.getEnvironments(); // ['production', 'staging']
	 */
	getEnvironments(): Promise<string[]>;
	/**
	 * Copies the last persisted state of another environment in the same database to this one, as a new revision.
	 *
	 * @throws ConfigError `ERR_NOTHING_TO_PROMOTE` if the other environment has no revision.
	 */
	promote(fromEnvironment: string, options?: RestoreOptions): Promise<HistoryEntry>;
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
	verify(options?: VerifyOptions): Promise<Verification>;
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
	prune(options: PruneOptions): Promise<PruneResult>;
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
	backup(path: string, options?: BackupOptions): Promise<BackupResult>;
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
	healthCheck(): Promise<Health>;
	/**
	 * Counters and latencies of this config and its database, for your own dashboard. It makes one native call, which
	 * reads the sizes of the database files. It does not slow down reads and flips; reads are counted only with
	 * `debugMode`.
	 *
	 * @example
	 * const { writes, listenerLag, store } = config.getMetrics();
	 * console.log(writes, listenerLag.p99Ms, store?.persists.latency.p99Ms, store?.walBytes);
	 */
	getMetrics(): Metrics;
	/**
	 * The metrics as text in OpenMetrics 1.0 format, for Prometheus and compatible systems. All names begin with
	 * `config13byte_`; `docs/operations.md` explains them.
	 *
	 * @example
	 * response.setHeader('content-type', 'application/openmetrics-text; version=1.0.0; charset=utf-8');
	 * response.end(config.metricsText());
	 */
	metricsText(): string;
	/**
	 * Closes this config; using it afterwards fails with `ERR_CLOSED`. The promise resolves when all persists are done
	 * and the database is closed. Further calls return the same promise.
	 *
	 * @throws With `autoPersist`: the error of a persist (such as `ERR_STORE_BUSY` or `ERR_DISK_FULL`) if a change could
	 *   not be written. The config is closed nevertheless, and the change is not in the history.
	 */
	close(): Promise<void>;
	/**
	 * Closes this config without waiting. Persists in progress still settle. An error that {@link ProductionConfig.close}
	 * would reject with is emitted as a `ConfigWarning`.
	 */
	destroy(): void;
	[Symbol.dispose](): void;
	[Symbol.asyncDispose](): Promise<void>;
	/**
	 * Calls `listener` after changes of the state by this config, by another config in any thread or, with
	 * `enableClusterSync`, by another process. A config is an `EventEmitter` with this one event. Changes in quick
	 * succession may be combined; the last state is never missed. A listener does not keep the process running, see
	 * {@link ProductionConfig.ref}.
	 *
	 * @example
	 * config.on('change', ({ enabled, disabled }) => console.log({ enabled, disabled }));
	 */
	on<Own extends Name = Name>(event: "change", listener: (change: ConfigChange<Own>) => void): this;
	/** Like {@link ProductionConfig.on}, for the next change only. */
	once<Own extends Name = Name>(event: "change", listener: (change: ConfigChange<Own>) => void): this;
	/** Alias of {@link ProductionConfig.on}. */
	addListener<Own extends Name = Name>(event: "change", listener: (change: ConfigChange<Own>) => void): this;
	/** Like {@link ProductionConfig.on}, but adds the listener before existing ones. */
	prependListener<Own extends Name = Name>(event: "change", listener: (change: ConfigChange<Own>) => void): this;
	/** Removes a listener. */
	off<Own extends Name = Name>(event: "change", listener: (change: ConfigChange<Own>) => void): this;
	/** Alias of {@link ProductionConfig.off}. */
	removeListener<Own extends Name = Name>(event: "change", listener: (change: ConfigChange<Own>) => void): this;
	/** Removes all listeners. */
	removeAllListeners(event?: "change"): this;
	/** The number of listeners. */
	listenerCount(event: "change"): number;
	/**
	 * An async iterator over the changes from the first `next()` on. Changes that arrive while the loop body runs are
	 * combined. The loop ends when the config is closed, and throws the signal's reason if the signal is aborted.
	 * `return()` and `throw()` end it immediately, even while `next()` waits for a change.
	 *
	 * @example
	 * for await (const change of config.changes({ signal })) apply(change);
	 */
	changes<Own extends Name = Name>(options?: {
		signal?: AbortSignal | undefined;
	}): AsyncGenerator<ConfigChange<Own>, void, void>;
	/** Keeps the process running until {@link ProductionConfig.unref} or `close()`, for programs that only listen. */
	ref(): this;
	/** Undoes {@link ProductionConfig.ref}. */
	unref(): this;
	/**
	 * A handle with which {@link attachConfig} opens the same config in another thread. With `enableClusterSync` it also
	 * works in other processes (`buffer` cannot be sent there: omit it, or send the handle as JSON).
	 *
	 * @example
	 * const worker = new Worker('./worker.js', { workerData: config.share() });
	 */
	share<Own extends Name = Name>(): ConfigHandle<Own>;
}
/**
 * Opens a config. With `persistPath` it starts from the last persisted state of its environment. Without one, or if
 * nothing has been persisted yet, all features are off and the terminal is raw, 24 × 80.
 *
 * @throws TypeError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_TYPE`; RangeError `ERR_INVALID_VALUE`; ConfigError for feature
 *   names and for the database, such as `ERR_STORE_PATH`, `ERR_NOT_A_DATABASE`, `ERR_NEWER_SCHEMA`, `ERR_STORE_BUSY`.
 * @example
 * const config = createProductionConfig({ persistPath: './config.db', features: ['checkout', 'search'] });
 * config.enableFeature('checkout'); // names that are not in the list do not compile
 * await config.persist('open the shop');
 */
export declare function createProductionConfig<const Features extends FeatureList = readonly DefaultFeature[]>(options?: ConfigOptions<Features>): ProductionConfig<FeatureNames<Features>>;
/**
 * Like {@link createProductionConfig}, but if nothing has been persisted yet, debug, verbose and logging are on, as far
 * as the config has these features.
 */
export declare function createDevelopmentConfig<const Features extends FeatureList = readonly DefaultFeature[]>(options?: ConfigOptions<Features>): ProductionConfig<FeatureNames<Features>>;
/**
 * Opens the config of a handle from `config.share()` in another thread: the same memory, the same history. The handle
 * of a config with `enableClusterSync` also works in other processes, as long as its page is in use.
 *
 * @throws ConfigError `ERR_STALE_HANDLE` if the page no longer exists or is private to another process.
 * @example
 * import { workerData } from 'node:worker_threads';
 * const config = attachConfig(workerData);
 */
export declare function attachConfig<Name extends string = DefaultFeature>(handle: ConfigHandle<Name> | ConfigHandle): ProductionConfig<Name>;
/**
 * Forgets the retired features of a database, so that their bits are free for the next names, whoever lists them. The last
 * features get the bits of the forgotten ones; what is in effect stays as it is. Nobody else may have the database open: a program
 * knows its features by their bits.
 *
 * @param persistPath - The database, which must exist.
 * @returns The forgotten names.
 * @throws ConfigError `ERR_STORE_IN_USE`, and errors of the database. Nothing has changed then.
 * @example
 * const forgotten = await compactNames('./config.db');
 */
export declare function compactNames(persistPath: string, options?: CompactOptions): Promise<string[]>;
/**
 * The stable codes of all errors that this package throws or rejects with. Messages may improve; codes do not change.
 * `docs/errors.md` explains each code and what to do.
 */
export type ErrorCode = "ERR_BACKUP" | "ERR_BASE_PRUNED" | "ERR_BINDING" | "ERR_BUFFER_LENGTH" | "ERR_CLOSED" | "ERR_DISK_FULL" | "ERR_DRAFT_ENDED" | "ERR_DUPLICATE_FEATURE" | "ERR_FEATURE_ON" | "ERR_FOREIGN_DATABASE" | "ERR_HISTORY_BROKEN" | "ERR_INVALID_FEATURE_NAME" | "ERR_INVALID_STATE" | "ERR_INVALID_THIS" | "ERR_INVALID_TYPE" | "ERR_INVALID_VALUE" | "ERR_LIVE_FILE" | "ERR_LIVE_FILE_BUSY" | "ERR_LIVE_FILE_INVALID" | "ERR_LIVE_FILE_MISMATCH" | "ERR_LIVE_FILE_PERMISSION" | "ERR_LIVE_FILE_REMOTE" | "ERR_NEWER_SCHEMA" | "ERR_NOTHING_TO_PROMOTE" | "ERR_NOTHING_TO_ROLL_BACK" | "ERR_NOT_A_DATABASE" | "ERR_NOT_LIVE" | "ERR_OUT_OF_RANGE" | "ERR_OVERRIDE_CONFLICT" | "ERR_OVERRIDE_ORDER" | "ERR_PACKAGE_FILES" | "ERR_PAGE_NOT_OPEN" | "ERR_PERSISTENCE_DISABLED" | "ERR_RANDOM" | "ERR_READ_ONLY" | "ERR_REVISION_CONFLICT" | "ERR_REVISION_NOT_FOUND" | "ERR_REVISION_PRUNED" | "ERR_RUNTIME" | "ERR_STALE_HANDLE" | "ERR_STORE" | "ERR_STORE_BUSY" | "ERR_STORE_CORRUPT" | "ERR_STORE_DEGRADED" | "ERR_STORE_HARD_LINK" | "ERR_STORE_IN_USE" | "ERR_STORE_IO" | "ERR_STORE_MOUNTED_ALONE" | "ERR_STORE_NOT_FOUND" | "ERR_STORE_OUTCOME_UNKNOWN" | "ERR_STORE_PATH" | "ERR_STORE_PERMISSION" | "ERR_STORE_REPLACED" | "ERR_STORE_STOPPED" | "ERR_THREAD" | "ERR_TOO_MANY_FEATURES" | "ERR_UNKNOWN_FEATURE" | "ERR_UNKNOWN_OPTION" | "ERR_UNSUPPORTED";
/**
 * An error of this package, except for wrong types (`TypeError`) and values out of range (`RangeError`), which have a
 * `code` as well.
 *
 * @example
 * try {
 *   await config.persist('release 42', { ifRevision: 7 });
 * } catch (error) {
 *   if (error instanceof ConfigError && error.code === 'ERR_REVISION_CONFLICT') await reviewAgain();
 *   else throw error;
 * }
 */
export declare class ConfigError extends Error {
	/** The stable code of the error. */
	readonly code: ErrorCode;
	/** @param code - The stable code of the error. */
	constructor(code: ErrorCode, message: string, options?: ErrorOptions);
}
/**
 * Checks the files of a config from outside: their owners and modes, the directory and its file system, SQLite's files beside
 * the database, and the live file and the doorbells of an environment. It opens none of them and changes nothing, so it also
 * works for a database that cannot be opened. `13byte-config doctor` shows the result.
 *
 * @param environment - Default: `NODE_ENV`, or `development` if that is not set.
 * @example
 * for (const { status, message, fix } of checkFiles('./config.db')) if (status !== 'ok') console.warn(message, fix);
 */
export declare function checkFiles(persistPath: string, environment?: string): FileCheck[];
/** The features of a new table when none are listed, from bit 0 up. */
export declare const DEFAULT_FEATURES: readonly [
	"debug",
	"verbose",
	"metrics",
	"logging",
	"caching",
	"compression",
	"encryption",
	"validation",
	"beta_feature",
	"new_feature",
	"maintenance_mode"
];

export {};
