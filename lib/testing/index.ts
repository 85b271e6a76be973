/**
 * `13byte-config/testing`: configs for tests, and overrides that end with the test that made them.
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
  type ProductionConfig,
  type TerminalSettings,
} from '13byte-config';
// Only what throws TypeErrors and RangeErrors: a ConfigError of a second copy would not be an instance of the first's.
import { checkBoolean, checkKeys, isThenable } from '../core/checks';
import { makeError, show } from '../core/errors';
import { checkRestorable, isSame, nameOf, read, type Setting, settingsOf, write } from './settings';

/**
 * What features, and the terminal, are to be: `true` is on for every key, `false` is off, and a number is on for that
 * per cent of all keys. `terminal` with an object stands for the terminal settings, of which any may be left out.
 *
 * @example
 * const overrides = { checkout: true, search: false, beta: 50, terminal: { rows: 50 } };
 */
export type Overrides<Name extends string = string> = string extends Name
  ? { readonly [name: string]: boolean | number | Partial<TerminalSettings> | undefined }
  : { readonly [name in Exclude<Name, 'terminal'>]?: boolean | number | undefined } & {
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

// ---- Configs for tests --------------------------------------------------------------------------------------------

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
export function createTestConfig<const Features extends readonly string[] = readonly DefaultFeature[]>(
  overrides: Overrides<Features[number]> = {} as Overrides<Features[number]>,
  options: TestConfigOptions<Features> = {},
): ProductionConfig<Features[number]> {
  const {
    features,
    environment = 'test',
    database = false,
  } = checkKeys(options, 'options', ['features', 'environment', 'database']) as TestConfigOptions<Features>;
  const directory = checkBoolean(database, 'database') ? makeDirectory() : undefined;
  let config: ProductionConfig<Features[number]> | undefined;
  try {
    config = createProductionConfig<Features>({
      environment,
      ...(features !== undefined && { features }),
      ...(directory !== undefined && { persistPath: join(directory, 'config.db') }),
    });
    if (directory !== undefined) removeWhenClosed(config, directory);
    // A config without literal names is the only one that takes any.
    write(
      config as unknown as ProductionConfig<any>,
      settingsOf(config as unknown as ProductionConfig<any>, overrides),
    );
    return config;
  } catch (error) {
    if (config) config.destroy();
    else if (directory !== undefined) removeDirectory(directory);
    throw error;
  }
}

const directories = new Set<string>();

function makeDirectory(): string {
  if (directories.size === 0) process.once('exit', removeDirectories);
  const directory = mkdtempSync(join(tmpdir(), '13byte-config-test-'));
  directories.add(directory);
  return directory;
}

function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  directories.delete(directory);
  if (directories.size === 0) process.off('exit', removeDirectories);
}

function removeDirectories(): void {
  for (const directory of directories) removeDirectory(directory);
}

/** All ways to end a config go through its `close`. */
function removeWhenClosed(config: ProductionConfig<any>, directory: string): void {
  const close = config.close.bind(config);
  let closing: Promise<void> | undefined;
  const value = () => (closing ??= close().finally(() => removeDirectory(directory)));
  Object.defineProperty(config, 'close', { value });
}

// ---- Overrides ----------------------------------------------------------------------------------------------------

/** A setting and what it was before, which changes when an earlier scope ends first. */
interface Overridden {
  readonly set: Setting;
  before: Setting;
}

/** The overrides of each page that are in force, in the order in which they began. */
const inForce = new Map<string, OverrideScope[]>();

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
export function override<Name extends string>(
  config: ProductionConfig<Name>,
  overrides: Overrides<Name>,
  options: OverrideOptions = {},
): OverrideScope {
  // By what it can do: a test runner may load the package more than once.
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

/** Ends a scope whose body has failed, and returns what is to be thrown. */
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
 * Overrides that are in force. {@link override} makes them.
 *
 * @example
 * using scope = override(config, { debug: true });
 */
export class OverrideScope {
  /** Another config on the same memory, without a database: through it nothing can be persisted. */
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
   * Ends the overrides, as the end of a `using` block does. Only what they have set is restored. A second call does nothing.
   *
   * @throws ConfigError `ERR_OVERRIDE_ORDER` when later overrides of the same are still in force: the end of those
   *   restores what was before both. `ERR_OVERRIDE_CONFLICT` when somebody else has changed what was overridden.
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

  /** Takes the scope off those in force, and returns the ones that began after it. */
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
