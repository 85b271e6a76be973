/**
 * `13byte-config/testing`: configs for tests, and overrides that are undone when the test ends.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  attachConfig,
  ConfigError,
  type ConfigHandle,
  createProductionConfig,
  type DefaultFeature,
  type FeatureDeclaration,
  type FeatureList,
  type FeatureNames,
  type ProductionConfig,
  type TerminalSettings,
} from '13byte-config';
// Only modules that throw TypeErrors and RangeErrors: a ConfigError of this copy would not be an instance of the library's.
import { checkBoolean, checkKeys, isThenable } from '../core/checks';
import { makeError, show } from '../core/errors';
import { checkRestorable, isSame, nameOf, read, type Setting, settingsOf, write } from './settings';

/**
 * Values for features and the terminal: `true` is on for every key, `false` is off, and a number is on for that
 * percentage of keys. `terminal` with an object sets the terminal; each of its settings is optional.
 *
 * @example
 * const overrides = { checkout: true, search: false, beta: 50, terminal: { rows: 50 } };
 */
export type Overrides<Name extends string = string> = string extends Name
  ? { readonly [name: string]: boolean | number | Partial<TerminalSettings> | undefined }
  : { readonly [name in Exclude<Name, 'terminal'>]?: boolean | number | undefined } & {
      readonly terminal?: Partial<TerminalSettings> | ('terminal' extends Name ? boolean | number : never) | undefined;
    };

/** Options of {@link createTestConfig}. Unknown options are refused. */
export interface TestConfigOptions<Features extends FeatureList = readonly DefaultFeature[]> {
  /** The features. What an object says of them beside their names has no effect here. Default: those of a config without this option. */
  features?: Features | { readonly [name: string]: FeatureDeclaration } | undefined;
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

// ---- Configs for tests --------------------------------------------------------------------------------------------

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
export function createTestConfig<const Features extends FeatureList = readonly DefaultFeature[]>(
  overrides: Overrides<FeatureNames<Features>> = {} as Overrides<FeatureNames<Features>>,
  options: TestConfigOptions<Features> = {},
): ProductionConfig<FeatureNames<Features>> {
  const {
    features,
    environment = 'test',
    database = false,
  } = checkKeys(options, 'options', ['features', 'environment', 'database']) as TestConfigOptions<Features>;
  const directory = checkBoolean(database, 'database') ? makeDirectory() : undefined;
  // Only a config without literal names accepts any name.
  let config: ProductionConfig<any> | undefined;
  try {
    config = createProductionConfig<readonly string[]>({
      environment,
      ...(features !== undefined && { features: namesIn(features) }),
      ...(directory !== undefined && { persistPath: join(directory, 'config.db') }),
    });
    if (directory !== undefined) removeWhenClosed(config, directory);
    write(config, settingsOf(config, overrides));
    return config;
  } catch (error) {
    if (config) config.destroy();
    else if (directory !== undefined) removeDirectory(directory);
    throw error;
  }
}

/** Anything else is refused when the config is opened. */
function namesIn(features: FeatureList): readonly string[] {
  return typeof features === 'object' && features !== null && !Array.isArray(features)
    ? Object.keys(features)
    : (features as readonly string[]);
}

/** Those that are to be removed at the latest when the process exits, each with the config that has a database in it. */
const directories = new Map<string, ProductionConfig<any> | undefined>();

function makeDirectory(): string {
  if (directories.size === 0) process.once('exit', removeDirectories);
  const directory = mkdtempSync(join(tmpdir(), '13byte-config-test-'));
  directories.set(directory, undefined);
  return directory;
}

function removeDirectory(directory: string): void {
  removeWithPatience(directory);
  directories.delete(directory);
  if (directories.size === 0) process.off('exit', removeDirectories);
}

/** On Windows what a virus scanner or an indexer has open cannot be removed. Bun ignores `maxRetries`. */
function removeWithPatience(directory: string): void {
  for (let attempts = 20; ; attempts -= 1) {
    try {
      return rmSync(directory, { recursive: true, force: true });
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (attempts === 1 || !['EBUSY', 'EPERM', 'ENOTEMPTY'].includes(code)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
  }
}

function removeDirectories(): void {
  // Windows keeps files that are open. The stores close them while the first directories are tried again.
  for (const config of directories.values()) config?.destroy();
  for (const directory of directories.keys()) {
    try {
      removeDirectory(directory);
    } catch (error) {
      // Warnings are no longer printed, and an exception would change the exit code.
      console.error(`A test database could not be removed from ${directory}: ${(error as Error).message}`);
    }
  }
}

/** All ways to close a config call `close`. */
function removeWhenClosed(config: ProductionConfig<any>, directory: string): void {
  directories.set(directory, config);
  const close = config.close.bind(config);
  let closing: Promise<void> | undefined;
  const value = () => (closing ??= close().finally(() => removeDirectory(directory)));
  Object.defineProperty(config, 'close', { value });
}

// ---- Overrides ----------------------------------------------------------------------------------------------------

/** A setting and its previous value, which changes if an earlier scope ends first. */
interface Overridden {
  readonly set: Setting;
  before: Setting;
}

/** The active overrides of each page, in the order in which they began. */
const inForce = new Map<string, OverrideScope[]>();

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
export function override<Name extends string>(
  config: ProductionConfig<Name>,
  overrides: Overrides<Name>,
  options: OverrideOptions = {},
): OverrideScope {
  // Checked by its methods: a test runner may load the package more than once.
  if (typeof (config as Partial<ProductionConfig<Name>> | null | undefined)?.share !== 'function') {
    throw makeError('ERR_INVALID_TYPE', `Invalid config: ${show(config)} (must be a config)`);
  }
  const { onConflict = 'throw' } = checkKeys(options, 'options', ['onConflict']) as OverrideOptions;
  if (onConflict !== 'throw' && onConflict !== 'restore') {
    throw makeError('ERR_INVALID_VALUE', `Invalid onConflict: ${show(onConflict)} (must be 'throw' or 'restore')`);
  }
  return new OverrideScope(config.share(), overrides, onConflict === 'restore');
}

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
export function withOverrides<Name extends string, Result>(
  config: ProductionConfig<Name>,
  overrides: Overrides<Name>,
  body: () => Result,
  options: OverrideOptions = {},
): Result {
  if (typeof body !== 'function') {
    throw makeError('ERR_INVALID_TYPE', `Invalid body: ${show(body)} (must be a function)`);
  }
  const scope = override(config, overrides, options);
  let result: Result;
  try {
    result = body();
  } catch (error) {
    throw endAfter(scope, error);
  }
  if (!isThenable(result)) {
    scope.restore();
    return result;
  }
  return Promise.resolve(result).then(
    (value) => {
      scope.restore();
      return value;
    },
    (error: unknown) => {
      throw endAfter(scope, error);
    },
  ) as Result;
}

/** Ends a scope whose body has failed, and returns the error to throw. */
function endAfter(scope: OverrideScope, failure: unknown): unknown {
  try {
    scope.restore();
    return failure;
  } catch (error) {
    const message = 'The body failed, and so did the end of its overrides';
    return new AggregateError([failure, error], message, { cause: failure });
  }
}

/**
 * Active overrides, created by {@link override}.
 *
 * @example
 * using scope = override(config, { debug: true });
 */
export class OverrideScope {
  /** Another config on the same memory, without a database: it cannot persist. */
  readonly #config: ProductionConfig<any>;
  readonly #pageId: string;
  readonly #overridden: Overridden[];
  readonly #restoresAll: boolean;
  #hasEnded = false;

  /** @internal Use {@link override}. */
  constructor(handle: ConfigHandle, overrides: object, restoresAll: boolean) {
    const { persistPath: _database, autoPersistMs: _own, ...shared } = handle;
    this.#config = attachConfig(shared);
    this.#pageId = handle.pageId;
    this.#restoresAll = restoresAll;
    try {
      const settings = settingsOf(this.#config, overrides);
      const before = settings.map((setting) => read(this.#config, setting));
      this.#overridden = settings.map((set, index) => ({ set, before: before[index]! }));
      checkRestorable(before);
      write(this.#config, settings);
    } catch (error) {
      this.#config.destroy();
      throw error;
    }
    inForce.set(this.#pageId, [...(inForce.get(this.#pageId) ?? []), this]);
  }

  /**
   * Ends the overrides, like the end of a `using` block. Only overridden settings are restored. Further calls do
   * nothing.
   *
   * @throws ConfigError `ERR_OVERRIDE_ORDER` if later overrides of the same settings are still active: their end
   *   restores the values from before both. `ERR_OVERRIDE_CONFLICT` if an overridden setting was changed meanwhile.
   */
  restore(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const later = this.#leave();
    const covered: string[] = [];
    const changed: string[] = [];
    const restored: Setting[] = [];
    for (const { set, before } of this.#overridden) {
      const cover = later.flatMap((scope) => scope.#overridden).find((other) => isSame(other.set, set));
      const found = cover ? cover.before : read(this.#config, set);
      const isKept = found.value !== set.value && !this.#restoresAll;
      if (isKept) changed.push(`${nameOf(set)} was set to ${set.value} and is ${found.value}`);
      if (cover) {
        covered.push(nameOf(set));
        if (!isKept) cover.before = before;
      } else if (!isKept) {
        restored.push(before);
      }
    }
    try {
      write(this.#config, restored);
    } finally {
      this.#config.destroy();
    }
    if (covered.length > 0) throw outOfOrder(covered, changed);
    if (changed.length > 0) throw conflict(changed);
  }

  [Symbol.dispose](): void {
    this.restore();
  }

  /** Removes the scope from the active ones, and returns those that began after it. */
  #leave(): OverrideScope[] {
    const scopes = inForce.get(this.#pageId)!;
    const later = scopes.slice(scopes.indexOf(this) + 1);
    const left = scopes.filter((scope) => scope !== this);
    if (left.length > 0) inForce.set(this.#pageId, left);
    else inForce.delete(this.#pageId);
    return later;
  }
}

function outOfOrder(covered: readonly string[], changed: readonly string[]): Error {
  const also = changed.length > 0 ? `; ${changed.join(', ')}` : '';
  return new ConfigError(
    'ERR_OVERRIDE_ORDER',
    `Overrides ended before later ones of the same: ${covered.join(', ')}${also} ` +
      '(end them in reverse order; tests that run at the same time each need a config of their own)',
  );
}

function conflict(changed: readonly string[]): Error {
  return new ConfigError(
    'ERR_OVERRIDE_CONFLICT',
    `Overrides were changed while they were in force: ${changed.join(', ')} ` +
      "(left as it is; pass onConflict: 'restore' to restore it all the same)",
  );
}
