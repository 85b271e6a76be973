// Generated from lib by `npm run build`. Edit the sources, not this file.

import { type ConfigHandle, type DefaultFeature, type ProductionConfig, type TerminalSettings } from '13byte-config';
/**
 * What features, and the terminal, are to be: `true` is on for every key, `false` is off, and a number is on for that
 * per cent of all keys. `terminal` with an object stands for the terminal settings, of which any may be left out.
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
/** Options of {@link createTestConfig}. Unknown ones are refused. */
export interface TestConfigOptions<Features extends readonly string[] = readonly DefaultFeature[]> {
    /** Names of the features. Default: those of a config without this option. */
    features?: Features | undefined;
    /** The environment of the config. Default `test`, whatever `NODE_ENV` is. */
    environment?: string | undefined;
    /**
     * Gives it a database of its own in a temporary directory, so that its history works. It is removed when the config
     * is closed, or at the latest when the process ends. Default false.
     */
    database?: boolean | undefined;
}
/** Options of {@link override} and {@link withOverrides}. Unknown ones are refused. */
export interface OverrideOptions {
    /**
     * What happens at the end when somebody else has changed what was overridden: `throw` (default) leaves that as it is,
     * restores the rest and throws `ERR_OVERRIDE_CONFLICT`; `restore` restores all of it.
     */
    onConflict?: 'throw' | 'restore' | undefined;
}
/**
 * Makes a config for one test: in memory of its own, without a database and shared with nobody, whatever the environment
 * variables say. What the overrides leave out is off, for all keys, and the terminal raw with 24 × 80.
 *
 * @throws ConfigError `ERR_UNKNOWN_FEATURE`; what {@link createProductionConfig} throws for `features` and `environment`.
 * @example
 * using config = createTestConfig({ debug: true, beta_feature: 50 });
 * @example
 * await using config = createTestConfig({ checkout: true }, { features: ['checkout', 'search'], database: true });
 */
export declare function createTestConfig<const Features extends readonly string[] = readonly DefaultFeature[]>(overrides?: Overrides<Features[number]>, options?: TestConfigOptions<Features>): ProductionConfig<Features[number]>;
/**
 * Overrides features, or the terminal, of any config until the scope that it returns ends. Whoever shares the config's
 * memory sees them. They are made past the config: it does not count them as its own changes, so neither they nor their
 * end are persisted by `autoPersist`.
 *
 * @throws ConfigError `ERR_UNKNOWN_FEATURE` and what else refuses a change. Then nothing has changed.
 * @example
 * using scope = override(config, { debug: true });
 * @example
 * const scope = override(config, { debug: true });
 * after(() => scope.restore());
 */
export declare function override<Name extends string>(config: ProductionConfig<Name>, overrides: Overrides<Name>, options?: OverrideOptions): OverrideScope;
/**
 * Runs `body` with overrides in force. They end when it has returned or thrown, or, when it returns a promise, when that has
 * settled.
 *
 * @returns What `body` returns.
 * @throws AggregateError of both when `body` fails and so does the end of the overrides.
 * @example
 * await withOverrides(config, { debug: true, beta_feature: 50 }, async () => {
 *   assert.equal(await render(user), 'beta');
 * });
 */
export declare function withOverrides<Name extends string, Result>(config: ProductionConfig<Name>, overrides: Overrides<Name>, body: () => Result, options?: OverrideOptions): Result;
/**
 * Overrides that are in force. {@link override} makes them.
 *
 * @example
 * using scope = override(config, { debug: true });
 */
export declare class OverrideScope {
    #private;
    /** @internal Use {@link override}. */
    constructor(handle: ConfigHandle, overrides: object, restoresAll: boolean);
    /**
     * Ends the overrides, as the end of a `using` block does. Only what they have set is restored. A second call does nothing.
     *
     * @throws ConfigError `ERR_OVERRIDE_ORDER` when later overrides of the same are still in force: the end of those
     *   restores what was before both. `ERR_OVERRIDE_CONFLICT` when somebody else has changed what was overridden.
     */
    restore(): void;
    [Symbol.dispose](): void;
}
