/**
 * `13byte-config/opentelemetry`: the metrics of a config as OpenTelemetry instruments, named by its semantic
 * conventions.
 */
import {
  type Attributes,
  type BatchObservableResult,
  createNoopMeter,
  type Meter,
  type MetricOptions,
  metrics as globalMetrics,
  type Observable,
} from '@opentelemetry/api';
import type { LatencyMetrics, Metrics, ProductionConfig } from '13byte-config';
import { letExit, startInterval, stopTimer } from '../core/real-timers';

/** Options of {@link instrumentConfig}. */
export interface InstrumentOptions {
  /**
   * The meter that creates the instruments. Default: the meter `13byte-config` of the global meter provider, as soon as
   * an SDK has registered one.
   */
  readonly meter?: Meter | undefined;
  /** Attributes of every value, to distinguish configs of one environment. Default: only the environment. */
  readonly attributes?: Attributes | undefined;
}

/** The instruments of a config. */
export interface ConfigInstrumentation {
  /** Stops the observation, which also ends when the config is closed. Further calls do nothing. */
  stop(): void;
  /** Calls `stop()` at the end of a `using` block. */
  [Symbol.dispose](): void;
}

/** A value and its attributes, besides those of the config. */
type Observation = readonly [value: number, attributes?: Attributes];

interface Instrument {
  readonly name: string;
  /** The kind of instrument, which defines how values are aggregated over time and processes. */
  readonly create: 'createObservableCounter' | 'createObservableUpDownCounter' | 'createObservableGauge';
  readonly unit: string;
  readonly description: string;
  /** The current values; none if unknown or absent. */
  readonly observe: (metrics: Metrics) => Iterable<Observation>;
}

const ENVIRONMENT = 'config13byte.environment';
const FEATURE = 'feature_flag.key';
const ORIGIN = 'config13byte.change.origin';
const OUTCOME = 'config13byte.persist.outcome';
const OPERATION = 'config13byte.operation.name';
const QUANTILE = 'config13byte.quantile';

const INSTRUMENTS: readonly Instrument[] = [
  gauge('uptime', 's', 'How long there has been this config.', ({ uptimeMs }) => [[seconds(uptimeMs)]]),
  gauge('generation', '{change}', 'Changes of the state, by any thread or process, modulo 2^32.', ({ generation }) => [
    [generation],
  ]),
  gauge('revision', '{revision}', 'The last persisted revision.', ({ revision }) => known(revision)),
  gauge('feature.enabled', '1', '1 while the feature is on.', ({ features }) =>
    Object.entries(features).map(([name, { enabled }]) => [enabled ? 1 : 0, { [FEATURE]: name }]),
  ),
  gauge('feature.rollout', '1', 'The part of all keys that the feature is on for while it is on.', ({ features }) =>
    Object.entries(features).map(([name, { rollout }]) => [rollout / 100, { [FEATURE]: name }]),
  ),
  counter('writes', '{change}', 'Changes of the state made through this config.', ({ writes }) => [[writes]]),
  counter('changes', '{change}', 'Changes that the listeners of this config were notified of.', ({ changes }) => [
    [changes.local, { [ORIGIN]: 'local' }],
    [changes.foreign, { [ORIGIN]: 'foreign' }],
  ]),
  upDownCounter('listeners', '{listener}', 'Listeners of this config now.', ({ listeners }) => [[listeners]]),
  gauge(
    'listener.lag',
    's',
    "From a change to the call of this config's listeners, since its creation.",
    ({ listenerLag }) => quantiles(listenerLag),
  ),
  gauge('store.degraded', '1', '1 while changes are not persisted although they should be.', ({ storeStatus }) =>
    storeStatus === 'none' ? [] : [[storeStatus === 'degraded' ? 1 : 0]],
  ),
  counter('persists', '{persist}', 'Persists of this environment by this process.', ({ store }) =>
    store
      ? [
          [store.persists.ok, { [OUTCOME]: 'ok' }],
          [store.persists.failed, { [OUTCOME]: 'failed' }],
          [store.persists.refused, { [OUTCOME]: 'refused' }],
        ]
      : [],
  ),
  gauge('persist.duration', 's', 'From a persist of this environment to its acknowledgement.', ({ store }) =>
    quantiles(store?.persists.latency),
  ),
  counter('commits', '{transaction}', 'Transactions of this process that wrote revisions.', ({ store }) =>
    known(store?.commits.count),
  ),
  counter('commit.revisions', '{revision}', 'Revisions that the transactions of this process wrote.', ({ store }) =>
    known(store?.commits.revisions),
  ),
  gauge('commit.duration', 's', 'How long a transaction that wrote revisions took.', ({ store }) =>
    quantiles(store?.commits.latency),
  ),
  counter('store.errors', '{error}', 'Operations of this process on the database that failed.', ({ store }) =>
    Object.entries(store?.errors ?? {}).map(([code, count]) => [count, { 'error.type': code }]),
  ),
  upDownCounter('store.pending', '{operation}', 'Operations of this process that wait or are under way.', ({ store }) =>
    known(store?.pending),
  ),
  counter('store.reopenings', '{opening}', 'How often this process opened the database again.', ({ store }) =>
    known(store?.reopenings),
  ),
  upDownCounter('database.size', 'By', 'Size of the database.', ({ store }) => known(store?.databaseBytes)),
  upDownCounter('wal.size', 'By', 'Size of the write-ahead log.', ({ store }) => known(store?.walBytes)),
  upDownCounter('disk.free', 'By', 'What may still be written where the database is.', ({ store }) =>
    known(store?.freeBytes),
  ),
  counter('operation.calls', '{call}', "Calls of this config's methods, with debugMode.", ({ timings = {} }) =>
    Object.entries(timings).map(([name, { calls }]) => [calls, { [OPERATION]: name }]),
  ),
  counter(
    'operation.time',
    's',
    "How long calls of this config's methods took together, with debugMode.",
    ({ timings = {} }) => Object.entries(timings).map(([name, { totalNs }]) => [totalNs / 1e9, { [OPERATION]: name }]),
  ),
];

/**
 * Lets OpenTelemetry observe a config: each collection of metrics calls `getMetrics()` once for the values of all
 * instruments. Their names begin with `config13byte.`; `docs/operations.md` lists them.
 *
 * Latencies are gauges with the attribute `config13byte.quantile` (0.5, 0.99 and 1), since OpenTelemetry has no
 * observable histograms. Several configs may share a meter; the attribute `config13byte.environment` distinguishes
 * them, or `attributes` if their environments are the same.
 *
 * As long as no SDK is registered, nothing is observed; this is checked once a second.
 *
 * @param config - The config to observe until it is closed. The caller owns it.
 * @example
 * import { metrics } from '@opentelemetry/api';
 * import { instrumentConfig } from '13byte-config/opentelemetry';
 *
 * instrumentConfig(config);
 * instrumentConfig(other, { meter: metrics.getMeter('shop') });
 */
export function instrumentConfig(
  config: ProductionConfig<any>,
  options: InstrumentOptions = {},
): ConfigInstrumentation {
  // Refuses closed configs and other objects before anything is created.
  const common = { [ENVIRONMENT]: config.getMetrics().environment, ...options.attributes };
  let end: (() => void) | undefined;
  const stop = () => {
    end?.();
    end = undefined;
  };
  const begin = (meter: Meter) => {
    end = register(meter, config, common, stop);
  };
  const meter = options.meter ?? registeredMeter();
  if (meter) {
    begin(meter);
  } else {
    const look = () => {
      const found = registeredMeter();
      const isClosed = hasClosed(config);
      if (found || isClosed) stop();
      if (found && !isClosed) begin(found);
    };
    const timer = letExit(startInterval(look, LOOK_FOR_SDK_EVERY_MS));
    end = () => stopTimer(timer);
  }
  return { stop, [Symbol.dispose]: stop };
}

const LOOK_FOR_SDK_EVERY_MS = 1000;

/** The meter of the registered SDK. Without one, the API returns a meter that stays inert, even later. */
function registeredMeter(): Meter | undefined {
  const meter = globalMetrics.getMeter('13byte-config');
  return meter === createNoopMeter() ? undefined : meter;
}

/** Creates the instruments, and returns the function that stops their observation. */
function register(meter: Meter, config: ProductionConfig, common: Attributes, stop: () => void): () => void {
  const observables = INSTRUMENTS.map(({ name, create, unit, description }) => {
    const instrument: MetricOptions = { unit, description };
    return meter[create](`config13byte.${name}`, instrument) as Observable;
  });
  const callback = (result: BatchObservableResult) => {
    const metrics = measured(config);
    if (!metrics) {
      // Later: the SDK is iterating over its callbacks, and would skip the next one.
      void Promise.resolve().then(stop);
      return;
    }
    INSTRUMENTS.forEach((instrument, index) => {
      for (const [value, attributes] of instrument.observe(metrics)) {
        result.observe(observables[index]!, value, { ...common, ...attributes });
      }
    });
  };
  meter.addBatchObservableCallback(callback, observables);
  return () => meter.removeBatchObservableCallback(callback, observables);
}

/** Without a measurement. */
function hasClosed(config: ProductionConfig): boolean {
  try {
    config.toBytes();
    return false;
  } catch {
    return true;
  }
}

/** `undefined` once the config is closed. */
function measured(config: ProductionConfig<any>): Metrics | undefined {
  try {
    return config.getMetrics();
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_CLOSED') return undefined;
    throw error;
  }
}

function counter(name: string, unit: string, description: string, observe: Instrument['observe']): Instrument {
  return { name, create: 'createObservableCounter', unit, description, observe };
}

function upDownCounter(name: string, unit: string, description: string, observe: Instrument['observe']): Instrument {
  return { name, create: 'createObservableUpDownCounter', unit, description, observe };
}

function gauge(name: string, unit: string, description: string, observe: Instrument['observe']): Instrument {
  return { name, create: 'createObservableGauge', unit, description, observe };
}

function known(value: number | null | undefined): Observation[] {
  return value === null || value === undefined ? [] : [[value]];
}

function quantiles(latency: LatencyMetrics | undefined): Observation[] {
  if (!latency) return [];
  const { p50Ms, p99Ms, maxMs } = latency;
  if (p50Ms === null || p99Ms === null || maxMs === null) return [];
  return [
    [seconds(p50Ms), { [QUANTILE]: 0.5 }],
    [seconds(p99Ms), { [QUANTILE]: 0.99 }],
    [seconds(maxMs), { [QUANTILE]: 1 }],
  ];
}

function seconds(milliseconds: number): number {
  return milliseconds / 1000;
}
