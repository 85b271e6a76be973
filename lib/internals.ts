/**
 * The interfaces between a config and the modules of the second file (history, events, sharing, inspection): what a
 * config consists of, what it gives to them, and what they do for it.
 */
import type { Edits } from './core/draft';
import type { FeatureTable } from './core/feature-table';
import type { EmitterMethod } from './core/event-emitter';
import type { Page } from './core/page';
import type { NativeDeclaration } from './native/binding';
import type { Store, StoreAnswer } from './native/store';
import type {
  BackupOptions,
  BackupResult,
  CompactOptions,
  ConfigChange,
  ConfigDiff,
  ConfigDraft,
  ConfigHandle,
  ConfigState,
  DebugView,
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
  StoreStatus,
  Timings,
  Validation,
  Verification,
  VerifyOptions,
} from './types';

/** How a config was opened. One object serves all configs that were opened alike. */
export interface Settings {
  readonly environment: string;
  readonly actor: string | undefined;
  readonly readOnly: boolean;
  readonly store: Store | undefined;
  readonly storeStatus: StoreStatus;
  /** Why the store is degraded. */
  readonly storeError: Error | undefined;
  /** With `debugMode`. */
  readonly stopwatch: { read(): Timings } | undefined;
  readonly clusterSync: boolean;
  readonly clusterName: string | undefined;
  readonly autoPersistMs: number | undefined;
  /** Names of its list that have no bit. */
  readonly withoutBit: readonly string[];
  /** What it was told of its features. */
  readonly declarations: readonly NativeDeclaration[];
}

/** The parts of a config. */
export interface Parts {
  readonly page: Page;
  readonly table: FeatureTable;
  readonly settings: Settings;
}

/** A config, as those modules see it. */
export interface Internals {
  /** The config itself, for its listeners. */
  readonly config: object;
  readonly page: Page;
  readonly settings: Settings;
  isClosed(): boolean;
  checkOpen(): void;
  checkWritable(): void;
  /** The bit of a feature, negative for one without a bit; throws if there is no such feature. */
  findBit(name: string): number;
  /** The bit of a feature that may be changed; throws if there is none. */
  bitOf(name: string): number;
  /** The current feature table. */
  table(): FeatureTable;
  /**
   * The feature table of the database, with names that other programs have registered. A private page adopts them; a
   * live page has its own table, to which a process adds the names it needs when it opens the page.
   */
  adopt(answer: StoreAnswer): FeatureTable;
  /** Milliseconds since the config was created. */
  uptimeMs(): number;
  /** Changes made through this config. */
  writes(): number;
}

/** The methods of a config that concern its history. */
export interface HistoryMethods<Name extends string> {
  persist(reason: string, options: RevisionOptions): Promise<HistoryEntry>;
  persistSync(reason: string, options: RevisionOptions): HistoryEntry;
  load(): Promise<boolean>;
  getHistory(limit: number, options: { before?: number | undefined }): Promise<HistoryEntry[]>;
  rollback(revision: number | undefined, options: RestoreOptions): Promise<HistoryEntry>;
  apply(state: ConfigState<Name>, reason: string, options: RevisionOptions): Promise<HistoryEntry>;
  commit(edit: (draft: ConfigDraft<Name>) => void, reason: string, options: RevisionOptions): Promise<HistoryEntry>;
  retire(name: string | readonly string[], options: RetireOptions): Promise<HistoryEntry>;
  revive(name: string | readonly string[], options: RestoreOptions): Promise<HistoryEntry>;
  getRetired(): Promise<RetiredFeature[]>;
  diff(from: number, to: number): Promise<ConfigDiff>;
  getEnvironments(): Promise<string[]>;
  promote(fromEnvironment: string, options: RestoreOptions): Promise<HistoryEntry>;
  verify(options: VerifyOptions): Promise<Verification>;
  prune(options: PruneOptions): Promise<PruneResult>;
  backup(path: string, options: BackupOptions): Promise<BackupResult>;
}

/** The subjects of one config, which checks that it is open. */
export interface OnDemand<Name extends string> {
  readonly history: HistoryMethods<Name>;
  readonly sharedBuffer: SharedArrayBuffer | undefined;
  readonly persisted: boolean;
  /** The config has changed something. The methods below say what. */
  noteChange(): void;
  noteFlags(bank: number, set: number, cleared: number): void;
  noteTerminal(word: number): void;
  noteRollout(bit: number, basisPoints: number): void;
  noteEdits(edits: Edits): void;
  noteState(before: bigint, after: bigint): void;
  /** Must be called when there are new names. */
  forgetViews(): void;
  /** The flags of so many banks, between two changes. */
  readFlags(banks: number): readonly number[];
  toBanks(): Uint8Array;
  /** The edits that the records of all banks are, of which there are several. */
  editsOfBanks(bytes: RecordBytes): Edits;
  getDebugView(): DebugView<Name>;
  inspect(options: object, inspect: (value: unknown, options: object) => string): string;
  getState(): ConfigState<Name>;
  featureInfo<Own extends Name>(name: Own): FeatureInfo<Own>;
  validate(): Validation;
  healthCheck(): Promise<Health>;
  getMetrics(): Metrics;
  metricsText(): string;
  emit(method: EmitterMethod, args: unknown[]): void;
  listenerCount(event: 'change'): number;
  changes(options: { signal?: AbortSignal | undefined }): AsyncGenerator<ConfigChange<Name>, void, void>;
  /** Whether listening keeps the process running. */
  hold(held: boolean): void;
  share(): ConfigHandle;
  /** Stops listening. Resolves when pending automatic persists are on disk, and rejects if one fails. */
  close(): Promise<unknown> | undefined;
}

/** What the second file exports. The configs it makes are typed by the caller, which knows their class. */
export interface OnDemandModule {
  readonly OnDemandParts: new (internals: Internals) => OnDemand<any>;
  attach(handle: ConfigHandle): object;
  timedConfig(parts: Parts): object;
  compactNames(persistPath: string, options: CompactOptions): Promise<string[]>;
}
