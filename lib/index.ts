/**
 * Feature flags and settings in 13 bytes of shared memory: read in nanoseconds, kept in SQLite.
 *
 * @packageDocumentation
 */
import { shareModules } from './load-on-demand';
import * as shared from './shared-modules';

export { attachConfig, compactNames, createDevelopmentConfig, createProductionConfig } from './create';
export { ConfigError, type ErrorCode } from './core/errors';
export { checkFiles } from './files';
export { DEFAULT_FEATURES } from './core/layout';
export { ConfigCore13Byte, type CoreFields } from './core/record';
export { ProductionConfig } from './config';

export type {
  AutoPersistOptions,
  BackupOptions,
  BackupResult,
  ChangeMetrics,
  CommitMetrics,
  CompactOptions,
  ConfigChange,
  ConfigDiff,
  ConfigDraft,
  ConfigHandle,
  ConfigOptions,
  ConfigState,
  DebugView,
  DefaultFeature,
  Feature,
  FeatureDeclaration,
  FeatureInfo,
  FeatureList,
  FeatureMetrics,
  FeatureNames,
  FeatureState,
  FileCheck,
  FileCheckName,
  Health,
  HealthCheck,
  HealthCheckName,
  HealthStatus,
  HistoryBreach,
  HistoryEntry,
  LatencyMetrics,
  Metrics,
  OperationTiming,
  PersistMetrics,
  PruneOptions,
  PruneResult,
  RecordBytes,
  RestoreOptions,
  RetiredFeature,
  RetireOptions,
  RevisionOptions,
  StateChanges,
  StoreMetrics,
  StoreStatus,
  TerminalModeName,
  TerminalSettings,
  Timings,
  Validation,
  Verification,
  VerifiedEnvironment,
  VerifyOptions,
  WorkOptions,
  WorkProgress,
} from './types';

// For `dist/on-demand.cjs`; not part of the API.
shareModules(shared);
