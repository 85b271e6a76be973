/**
 * Feature flags and settings in 13 bytes of shared memory: read in nanoseconds, kept in SQLite.
 *
 * @packageDocumentation
 */
export { attachConfig, createDevelopmentConfig, createProductionConfig } from './create';
export { ConfigError, type ErrorCode } from './errors';
export { DEFAULT_FEATURES } from './generated/layout';
export { ConfigCore13Byte, type RecordBytes } from './record';
export type {
  BackupOptions,
  BackupResult,
  HistoryBreach,
  PruneOptions,
  PruneResult,
  Verification,
  VerifiedEnvironment,
  VerifyOptions,
  WorkOptions,
  WorkProgress,
} from './audit';
export type { AutoPersistOptions } from './auto-persist';
export type { ConfigChange } from './listening';
export type { ConfigHandle } from './share';
export type { ConfigState, FeatureState } from './config-state';
export { ProductionConfig } from './config';
export type { RestoreOptions, RevisionOptions, Validation } from './config';
export type { DebugView, StoreStatus } from './debug-view';
export type { UpdateDraft } from './draft';
export type { Feature } from './feature';
export type { Health, HealthCheck, HealthCheckName, HealthStatus } from './health';
export type { ConfigDiff, HistoryEntry } from './history';
export type {
  ChangeMetrics,
  CommitMetrics,
  FeatureMetrics,
  LatencyMetrics,
  Metrics,
  PersistMetrics,
  StoreMetrics,
} from './metrics';
export type { ConfigOptions, DefaultFeature } from './options';
export type { StateChanges } from './state';
export type { TerminalModeName, TerminalSettings } from './terminal';
export type { OperationTiming, Timings } from './timings';
