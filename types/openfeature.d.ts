// Generated from lib by `npm run build`. Edit the sources, not this file.

/**
 * `13byte-config/openfeature`: a config as a provider for the OpenFeature server SDK, after the provider and event sections
 * of the OpenFeature specification.
 */
import { type EvaluationContext, type JsonValue, OpenFeatureEventEmitter, type Provider, type ResolutionDetails } from '@openfeature/server-sdk';
import type { ProductionConfig } from '13byte-config';
/** What {@link ConfigProvider} takes besides the config. */
export interface ConfigProviderOptions {
    /**
     * Milliseconds between two looks at the config's health, 0 for never. Default 30,000. When it has become `degraded`
     * the provider is `STALE`, when it has `failed` it has an `ERROR`; features are served all the same.
     */
    readonly healthEveryMs?: number | undefined;
}
/**
 * Serves the features of a config as boolean flags of the same names, and its terminal settings as the numbers
 * `terminal.mode`, `terminal.rows`, `terminal.cols` and the object `terminal`. A feature of such a name takes precedence.
 *
 * A feature that is rolled out to a part of all keys is decided by the `targetingKey` of the context (reason `SPLIT`);
 * everything else is `STATIC`. Changes by any thread or process are events (`PROVIDER_CONFIGURATION_CHANGED`).
 *
 * The config stays its maker's: closing the provider does not close it.
 *
 * @example
 * import { OpenFeature } from '@openfeature/server-sdk';
 * import { createProductionConfig } from '13byte-config';
 * import { ConfigProvider } from '13byte-config/openfeature';
 *
 * await OpenFeature.setProviderAndWait(new ConfigProvider(createProductionConfig()));
 * await OpenFeature.getClient().getBooleanValue('beta_feature', false, { targetingKey: user.id });
 */
export declare class ConfigProvider implements Provider {
    #private;
    readonly metadata: {
        readonly name: "13byte-config";
    };
    readonly runsOn = "server";
    readonly events: OpenFeatureEventEmitter;
    /** @param config - Whose features are served. */
    constructor(config: ProductionConfig<any>, options?: ConfigProviderOptions);
    /**
     * Listens to the config from now on, and looks at its health. Rejects when the config is closed, or when its health is
     * `failed`, such as when its database could not be opened: the provider then has an `ERROR` from the beginning, serves
     * the features all the same, and is ready once the health is better.
     */
    initialize(): Promise<void>;
    /** Ends listening. The provider can be initialized again. */
    onClose(): Promise<void>;
    resolveBooleanEvaluation(key: string, _default: boolean, context: EvaluationContext): Promise<ResolutionDetails<boolean>>;
    resolveNumberEvaluation(key: string): Promise<ResolutionDetails<number>>;
    resolveObjectEvaluation<T extends JsonValue>(key: string): Promise<ResolutionDetails<T>>;
    /** Always rejects: there are no flags of type string. */
    resolveStringEvaluation(key: string): Promise<ResolutionDetails<string>>;
}
