// Generated from lib by `npm run build`. Edit the sources, not this file.

/**
 * `13byte-config/opentelemetry`: the metrics of a config as instruments of OpenTelemetry, named after its semantic
 * conventions.
 */
import { type Attributes, type Meter } from '@opentelemetry/api';
import type { ProductionConfig } from '13byte-config';
/** What {@link instrumentConfig} takes besides the config. */
export interface InstrumentOptions {
    /**
     * Where the instruments are made. Default: the meter `13byte-config` of the global meter provider, as soon as an SDK has
     * registered one.
     */
    readonly meter?: Meter | undefined;
    /** What every value carries, to tell configs of one environment apart. Default: nothing but the environment. */
    readonly attributes?: Attributes | undefined;
}
/** The instruments of a config. */
export interface ConfigInstrumentation {
    /** Ends the observation. It also ends by itself once the config is closed. Calling it again does nothing. */
    stop(): void;
    /** As `stop()`, at the end of a block with `using`. */
    [Symbol.dispose](): void;
}
/**
 * Lets OpenTelemetry observe a config: whenever metrics are collected, `getMetrics()` is called once, and gives the values
 * of all instruments. Their names begin with `config13byte.`; they are listed in `docs/operations.md`.
 *
 * Latencies are gauges with the attribute `config13byte.quantile` (0.5, 0.99 and 1), since OpenTelemetry has no histograms
 * that are observed. Several configs may share a meter; the attribute `config13byte.environment` tells them apart, and
 * `attributes` where that is the same.
 *
 * If no SDK is registered yet, nothing is observed until one is, which is looked for once a second.
 *
 * @param config - What is observed, until it is closed. It stays its maker's.
 * @example
 * import { metrics } from '@opentelemetry/api';
 * import { instrumentConfig } from '13byte-config/opentelemetry';
 *
 * instrumentConfig(config);
 * instrumentConfig(other, { meter: metrics.getMeter('shop') });
 */
export declare function instrumentConfig(config: ProductionConfig<any>, options?: InstrumentOptions): ConfigInstrumentation;
