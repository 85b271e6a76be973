/**
 * Feature flags and settings in 13 bytes of shared memory: read in nanoseconds, kept in SQLite.
 *
 * @packageDocumentation
 */
import { shareModules } from './load-extras';
import * as shared from './shared';

export { attachConfig, createDevelopmentConfig, createProductionConfig } from './create';
export { ConfigError, type ErrorCode } from './errors';
export { DEFAULT_FEATURES } from './generated/layout';
export { ConfigCore13Byte, type CoreFields, type RecordBytes } from './record';
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
} from './extras/audit';
export type { AutoPersistOptions } from './extras/auto-persist';
export type { ConfigChange } from './extras/listening';
export type { ConfigHandle } from './extras/share';
export type { ConfigState, FeatureState } from './extras/config-state';
export { ProductionConfig } from './config';
export type { Validation } from './config';
export type { RestoreOptions, RevisionOptions } from './extras/config-history';
export type { DebugView, StoreStatus } from './extras/debug-view';
export type { UpdateDraft } from './draft';
export type { Feature } from './feature';
export type { Health, HealthCheck, HealthCheckName, HealthStatus } from './extras/health';
export type { ConfigDiff, HistoryEntry } from './extras/history';
export type {
  ChangeMetrics,
  CommitMetrics,
  FeatureMetrics,
  LatencyMetrics,
  Metrics,
  PersistMetrics,
  StoreMetrics,
} from './extras/metrics';
export type { ConfigOptions, DefaultFeature } from './options';
export type { StateChanges } from './extras/state';
export type { TerminalModeName, TerminalSettings } from './terminal';
export type { OperationTiming, Timings } from './extras/timings';

// For `dist/extras.cjs`, of which programs know nothing.
shareModules(shared);
