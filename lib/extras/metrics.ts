import type { StoreStatus } from './debug-view';
import { FULL_ROLLOUT } from '../generated/layout';
import { type FeatureTable, namesOf } from '../feature-table';
import type { Listening } from './listening';
import { native, type NativeConfigMetrics, type NativeStoreMetrics, type NativeSummary } from '../native';
import { type Page, readGeneration, readRevision, readRollout, readState, splitState } from '../page';
import { toPercent } from '../rollout';
import type { Store } from '../store';
import type { Stopwatch, Timings } from './timings';

/**
 * How a config and its database are and how they went, as numbers. The object is a copy: it does not change.
 *
 * What is **of this config** counts from its creation in this thread. What is **of the process**, which is all of `store`,
 * is shared by all configs of the process with the same database, in all threads, and counts from when the first of
 * them opened it.
 */
export interface Metrics {
  /** The environment of this config. */
  readonly environment: string;
  /** How long there has been this config, in milliseconds. */
  readonly uptimeMs: number;
  /** Counts the changes of the state, by anybody, modulo 2^32. A rollback or promotion takes a large step. */
  readonly generation: number;
  /** The last persisted revision; `null` when there is none. */
  readonly revision: number | null;
  /** The features there are, by name. */
  readonly features: { readonly [name: string]: FeatureMetrics };
  /** Changes of the state that were made through this config. What changed nothing is not counted. */
  readonly writes: number;
  /** The changes that the listeners of this config were called for. */
  readonly changes: ChangeMetrics;
  /** How many listeners for `'change'` this config has now. */
  readonly listeners: number;
  /**
   * From a change, by anybody, to the moment when the listeners of this config get their turn. Of changes that came
   * while they were waited for, the first counts.
   */
  readonly listenerLag: LatencyMetrics;
  /** Whether this config can persist: `none` without `persistPath`, `degraded` when it cannot although it should. */
  readonly storeStatus: StoreStatus['status'];
  /** The database, as this process sees it; `null` when it is not open. */
  readonly store: StoreMetrics | null;
  /** With `debugMode`: how long the operations of this config took, reads included. */
  readonly timings?: Timings;
}

/** One feature. */
export interface FeatureMetrics {
  /** Whether it is on. */
  readonly enabled: boolean;
  /** Per cent of all keys that it is on for while it is on. */
  readonly rollout: number;
}

/** Changes that listeners were called for, one for each `'change'` event and each turn of a loop over `changes()`. */
export interface ChangeMetrics {
  /** Those that were made through this very config. */
  readonly local: number;
  /** The others: by other configs, threads, processes, and by the store. */
  readonly foreign: number;
}

/** How long something took, in milliseconds. Percentiles are exact to a per cent. */
export interface LatencyMetrics {
  /** How often it was measured. */
  readonly count: number;
  /** The mean; `null` while nothing was measured. */
  readonly meanMs: number | null;
  /** Half of them took no longer; `null` while nothing was measured. */
  readonly p50Ms: number | null;
  /** 99 of a hundred took no longer; `null` while nothing was measured. */
  readonly p99Ms: number | null;
  /** The longest; `null` while nothing was measured. */
  readonly maxMs: number | null;
}

/** The database of a config, as this process sees it. */
export interface StoreMetrics {
  /** The persists of the environment of this config. */
  readonly persists: PersistMetrics;
  /** The transactions that wrote revisions, of all environments. */
  readonly commits: CommitMetrics;
  /** How many operations failed, by the code of their error, of all environments. Refusals are not among them. */
  readonly errors: { readonly [code: string]: number };
  /** Operations that wait for the store or are under way. */
  readonly pending: number;
  /** How often the file was opened again: after trouble with it, or when the first config that writes came. */
  readonly reopenings: number;
  /** Size of the database; `null` when it cannot be looked at. */
  readonly databaseBytes: number | null;
  /** Size of its write-ahead log; `null` when it cannot be looked at. */
  readonly walBytes: number | null;
  /** What may still be written where the database is; `null` when that is not known. */
  readonly freeBytes: number | null;
}

/** The persists of an environment by this process, automatic ones included. */
export interface PersistMetrics {
  /** How many were acknowledged, which means that they are on disk. */
  readonly ok: number;
  /** How many failed. */
  readonly failed: number;
  /** How many were refused because of `ifRevision`: somebody else had persisted in between. That is no failure. */
  readonly refused: number;
  /** From the call to the acknowledgement of those that succeeded. */
  readonly latency: LatencyMetrics;
}

/** The transactions of this process that wrote revisions. Persists of one turn share one. */
export interface CommitMetrics {
  /** How many there were. */
  readonly count: number;
  /** How many revisions they wrote together. */
  readonly revisions: number;
  /** Half of them wrote no more revisions; `null` while there was none. */
  readonly revisionsP50: number | null;
  /** The most revisions that one wrote; `null` while there was none. */
  readonly revisionsMax: number | null;
  /** How long they took, with waiting for other processes and the sync to disk. */
  readonly latency: LatencyMetrics;
}

/** What a config gives to be measured. */
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
  readonly stopwatch: Stopwatch | undefined;
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
  const enabled = new Set(namesOf(table, splitState(readState(page)).flags));
  return table.names.map((name, bit) => ({ name, enabled: enabled.has(name), basisPoints: readRollout(page, bit) }));
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
