import { FULL_ROLLOUT } from '../core/layout';
import type { FeatureTable } from '../core/feature-table';
import type { Listening } from '../events/listening';
import { native, type NativeConfigMetrics, type NativeStoreMetrics, type NativeSummary } from '../native/binding';
import { banksFor, type Page, readGeneration, readRevision } from '../core/page';
import { readPageState } from '../core/page-state';
import { toPercent } from '../core/rollout';
import { basisPointsOf, isOn } from '../core/state';
import type { Store } from '../native/store';
import type { LatencyMetrics, Metrics, StoreMetrics, StoreStatus, Timings } from '../types';

/** The input of the metrics. */
export interface Measured {
  readonly page: Page;
  readonly table: FeatureTable;
  readonly environment: string;
  readonly uptimeMs: number;
  readonly writes: number;
  readonly listeners: number;
  readonly listening: Listening<string> | undefined;
  readonly storeStatus: StoreStatus['status'];
  readonly store: Store | undefined;
  readonly stopwatch: { read(): Timings } | undefined;
}

const NS_PER_MS = 1e6;

export function measure(config: Measured): Metrics {
  const { page, environment, listening, stopwatch } = config;
  return {
    environment,
    uptimeMs: config.uptimeMs,
    generation: readGeneration(page),
    revision: readRevision(page) || null,
    features: Object.fromEntries(
      featuresOf(config).map(({ name, enabled, basisPoints }) => [name, { enabled, rollout: toPercent(basisPoints) }]),
    ),
    writes: config.writes,
    changes: { local: listening?.delivered.local ?? 0, foreign: listening?.delivered.foreign ?? 0 },
    listeners: config.listeners,
    listenerLag: toLatency(listening?.lag?.summary()),
    storeStatus: config.storeStatus,
    store: config.store ? toStoreMetrics(config.store.metrics()) : null,
    ...(stopwatch && { timings: stopwatch.read() }),
  };
}

/** The same as text in the format of OpenMetrics 1.0. */
export function exposeMetrics(config: Measured): string {
  const { page, environment, listening, storeStatus } = config;
  const revision = readRevision(page);
  const figures: NativeConfigMetrics = {
    environment,
    uptimeSeconds: config.uptimeMs / 1000,
    generation: readGeneration(page),
    ...(revision !== 0 && { revision }),
    features: featuresOf(config).map(({ name, enabled, basisPoints }) => ({
      name,
      isEnabled: enabled,
      rollout: basisPoints / FULL_ROLLOUT,
    })),
    writes: config.writes,
    ownChanges: listening?.delivered.local ?? 0,
    foreignChanges: listening?.delivered.foreign ?? 0,
    listeners: config.listeners,
    ...(storeStatus !== 'none' && { isDegraded: storeStatus === 'degraded' }),
    operations: Object.entries(config.stopwatch?.read() ?? {}).map(([name, { calls, totalNs }]) => ({
      name,
      calls,
      seconds: totalNs / 1e9,
    })),
  };
  return config.store ? config.store.metricsText(figures, listening?.lag) : native.metricsText(figures, listening?.lag);
}

function featuresOf({ page, table }: Measured): { name: string; enabled: boolean; basisPoints: number }[] {
  const state = readPageState(page, banksFor(table.names.length));
  const features = table.names.map((name, bit) => ({
    name,
    enabled: isOn(state, bit),
    basisPoints: basisPointsOf(state, bit),
  }));
  return features.filter((_, bit) => !table.retired.has(bit));
}

function toStoreMetrics(metrics: NativeStoreMetrics): StoreMetrics {
  const { persists, failedPersists, refusedPersists, commits, commitTimes, errors, pending, reopenings } = metrics;
  const some = commits.count > 0;
  return {
    persists: { ok: persists.count, failed: failedPersists, refused: refusedPersists, latency: toLatency(persists) },
    commits: {
      count: commits.count,
      revisions: commits.sum,
      revisionsP50: some ? commits.p50 : null,
      revisionsMax: some ? commits.max : null,
      latency: toLatency(commitTimes),
    },
    errors: Object.fromEntries(errors.map(({ code, count }) => [code, count])),
    pending,
    reopenings,
    databaseBytes: metrics.databaseBytes ?? null,
    walBytes: metrics.logBytes ?? null,
    freeBytes: metrics.freeBytes ?? null,
  };
}

const NOTHING: LatencyMetrics = Object.freeze({ count: 0, meanMs: null, p50Ms: null, p99Ms: null, maxMs: null });

/** From nanoseconds. */
function toLatency(summary: NativeSummary | undefined): LatencyMetrics {
  if (!summary || summary.count === 0) return NOTHING;
  const { count, sum, p50, p99, max } = summary;
  return {
    count,
    meanMs: sum / count / NS_PER_MS,
    p50Ms: p50 / NS_PER_MS,
    p99Ms: p99 / NS_PER_MS,
    maxMs: max / NS_PER_MS,
  };
}
