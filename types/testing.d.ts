// Generated from lib by `npm run build`. Edit the sources, not this file.

import { type ConfigHandle, type DefaultFeature, type FeatureDeclaration, type FeatureList, type FeatureNames, type ProductionConfig, type TerminalSettings } from '13byte-config';
/**
 * Values for features and the terminal: `true` is on for every key, `false` is off, and a number is on for that
 * percentage of keys. `terminal` with an object sets the terminal; each of its settings is optional.
 *
 * @example
 * const overrides = { checkout: true, search: false, beta: 50, terminal: { rows: 50 } };
 */
export type Overrides<Name extends string = string> = string extends Name ? {
    readonly [name: string]: boolean | number | Partial<TerminalSettings> | undefined;
} : {
    readonly [name in Exclude<Name, 'terminal'>]?: boolean | number | undefined;
} & {
    readonly terminal?: Partial<TerminalSettings> | ('terminal' extends Name ? boolean | number : never) | undefined;
};
/** Options of {@link createTestConfig}. Unknown options are refused. */
export interface TestConfigOptions<Features extends FeatureList = readonly DefaultFeature[]> {
    /** The features. What an object says of them beside their names has no effect here. Default: those of a config without this option. */
    features?: Features | {
        readonly [name: string]: FeatureDeclaration;
    } | undefined;
    /** The environment of the config. Default: `test`, regardless of `NODE_ENV`. */
    environment?: string | undefined;
    /**
     * Creates a database in a temporary directory, so that the history works. It is removed when the config is closed, or
     * at the latest when the process exits. Default: false.
     */
    database?: boolean | undefined;
}
/** Options of {@link override} and {@link withOverrides}. Unknown options are refused. */
export interface OverrideOptions {
    /**
     * What happens at the end if an overridden setting was changed meanwhile: `throw` (default) keeps the change,
     * restores the other settings and throws `ERR_OVERRIDE_CONFLICT`; `restore` restores all of them.
     */
    onConflict?: 'throw' | 'restore' | undefined;
}
/**
 * Creates a config for one test: in private memory and without a database, regardless of environment variables.
 * Features that the overrides omit are off, and the terminal is raw, 24 × 80.
 *
 * @throws ConfigError `ERR_UNKNOWN_FEATURE`, and the errors of {@link createProductionConfig} for `features` and
 *   `environment`.
 * @example
 * using config = createTestConfig({ debug: true, beta_feature: 50 });
 * @example
 * await using config = createTestConfig({ checkout: true }, { features: ['checkout', 'search'], database: true });
 */
export declare function createTestConfig<const Features extends FeatureList = readonly DefaultFeature[]>(overrides?: Overrides<FeatureNames<Features>>, options?: TestConfigOptions<Features>): ProductionConfig<FeatureNames<Features>>;
/**
 * Overrides features or the terminal of any config until the returned scope ends. All configs with the same memory see
 * the overrides. They do not count as changes of the config, so `autoPersist` persists neither them nor their end.
 *
 * @throws ConfigError `ERR_UNKNOWN_FEATURE` and other errors of changes. Nothing has changed then.
 * @example
 * using scope = override(config, { debug: true });
 * @example
 * const scope = override(config, { debug: true });
 * after(() => scope.restore());
 */
export declare function override<Name extends string>(config: ProductionConfig<Name>, overrides: Overrides<Name>, options?: OverrideOptions): OverrideScope;
/**
 * Runs `body` with overrides. They end when it returns or throws or, if it returns a promise, when the promise settles.
 *
 * @returns The result of `body`.
 * @throws AggregateError of both errors if `body` fails and the overrides cannot be ended.
 * @example
 * await withOverrides(config, { debug: true, beta_feature: 50 }, async () => {
 *   assert.equal(await render(user), 'beta');
 * });
 */
export declare function withOverrides<Name extends string, Result>(config: ProductionConfig<Name>, overrides: Overrides<Name>, body: () => Result, options?: OverrideOptions): Result;
/**
 * Active overrides, created by {@link override}.
 *
 * @example
 * using scope = override(config, { debug: true });
 */
export declare class OverrideScope {
    #private;
    /** @internal Use {@link override}. */
    constructor(handle: ConfigHandle, overrides: object, restoresAll: boolean);
    /**
     * Ends the overrides, like the end of a `using` block. Only overridden settings are restored. Further calls do
     * nothing.
     *
     * @throws ConfigError `ERR_OVERRIDE_ORDER` if later overrides of the same settings are still active: their end
     *   restores the values from before both. `ERR_OVERRIDE_CONFLICT` if an overridden setting was changed meanwhile.
     */
    restore(): void;
    [Symbol.dispose](): void;
}
