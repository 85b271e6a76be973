// Generated from lib by `npm run build`. Edit the sources, not this file.

/**
 * `13byte-config/openfeature`: a config as a provider for the OpenFeature server SDK, according to the provider and
 * event sections of the OpenFeature specification.
 */
import { type EvaluationContext, type JsonValue, OpenFeatureEventEmitter, type Provider, type ResolutionDetails } from '@openfeature/server-sdk';
import type { ProductionConfig } from '13byte-config';
/** Options of {@link ConfigProvider}. */
export interface ConfigProviderOptions {
    /**
     * The interval of the config's health checks in milliseconds; 0 disables them. Default: 30,000. The provider is
     * `STALE` while the health is `degraded`, and in `ERROR` while it is `failed`; features are served in any case.
     */
    readonly healthEveryMs?: number | undefined;
}
/**
 * Serves the features of a config as boolean flags of the same names, and its terminal settings as the numbers
 * `terminal.mode`, `terminal.rows`, `terminal.cols` and the object `terminal`. A feature of such a name takes
 * precedence.
 *
 * A feature with a rollout below 100 percent is evaluated for the `targetingKey` of the context (reason `SPLIT`);
 * everything else is `STATIC`. Changes by any thread or process are events (`PROVIDER_CONFIGURATION_CHANGED`).
 *
 * The caller owns the config: closing the provider does not close it.
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
    /** @param config - The config to serve. */
    constructor(config: ProductionConfig<any>, options?: ConfigProviderOptions);
    /**
     * Starts listening to the config and checking its health. Rejects if the config is closed, or if its health is
     * `failed`, such as when its database could not be opened: the provider then starts in `ERROR`, serves the features
     * anyway, and becomes ready when the health improves.
     */
    initialize(): Promise<void>;
    /** Ends listening. The provider can be initialized again. */
    onClose(): Promise<void>;
    resolveBooleanEvaluation(key: string, _default: boolean, context: EvaluationContext): Promise<ResolutionDetails<boolean>>;
    resolveNumberEvaluation(key: string): Promise<ResolutionDetails<number>>;
    resolveObjectEvaluation<T extends JsonValue>(key: string): Promise<ResolutionDetails<T>>;
    /** Always rejects: there are no string flags. */
    resolveStringEvaluation(key: string): Promise<ResolutionDetails<string>>;
}
