// Generated from lib by `npm run build`. Edit the sources, not this file.

/**
 * `13byte-config/opentelemetry`: the metrics of a config as OpenTelemetry instruments, named by its semantic
 * conventions.
 */
import { type Attributes, type Meter } from '@opentelemetry/api';
import type { ProductionConfig } from '13byte-config';
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
export declare function instrumentConfig(config: ProductionConfig<any>, options?: InstrumentOptions): ConfigInstrumentation;
