import { makeConfig, type ProductionConfig } from './config';
import { type FeatureTable, noBitFor } from './core/feature-table';
import { tableOfPage } from './core/feature-tables';
import { MAX_FEATURES } from './core/layout';
import type { Parts, Settings } from './internals';
import { loadOnDemand } from './load-on-demand';
import { defaultActor } from './native/actor';
import { native, type NativePage, type NativeStartup } from './native/binding';
import { type CheckedOptions, checkOptions } from './options';
import { isLive, pageOf } from './core/page';
import { Store } from './native/store';
import type { CompactOptions, ConfigHandle, ConfigOptions, DefaultFeature, FeatureList, FeatureNames } from './types';

const DEVELOPMENT_FEATURES = ['debug', 'verbose', 'logging'] as const satisfies readonly DefaultFeature[];

/**
 * Opens a config. With `persistPath` it starts from the last persisted state of its environment. Without one, or if
 * nothing has been persisted yet, all features are off and the terminal is raw, 24 × 80.
 *
 * @throws TypeError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_TYPE`; RangeError `ERR_INVALID_VALUE`; ConfigError for feature
 *   names and for the database, such as `ERR_STORE_PATH`, `ERR_NOT_A_DATABASE`, `ERR_NEWER_SCHEMA`, `ERR_STORE_BUSY`.
 * @example
 * const config = createProductionConfig({ persistPath: './config.db', features: ['checkout', 'search'] });
 * config.enableFeature('checkout'); // names that are not in the list do not compile
 * await config.persist('open the shop');
 */
export function createProductionConfig<const Features extends FeatureList = readonly DefaultFeature[]>(
  options?: ConfigOptions<Features>,
): ProductionConfig<FeatureNames<Features>> {
  return create(checkOptions(options), []);
}

/**
 * Like {@link createProductionConfig}, but if nothing has been persisted yet, debug, verbose and logging are on, as far
 * as the config has these features.
 */
export function createDevelopmentConfig<const Features extends FeatureList = readonly DefaultFeature[]>(
  options?: ConfigOptions<Features>,
): ProductionConfig<FeatureNames<Features>> {
  return create(checkOptions(options), DEVELOPMENT_FEATURES);
}

/**
 * Opens the config of a handle from `config.share()` in another thread: the same memory, the same history. The handle
 * of a config with `enableClusterSync` also works in other processes, as long as its page is in use.
 *
 * @throws ConfigError `ERR_STALE_HANDLE` if the page no longer exists or is private to another process.
 * @example
 * import { workerData } from 'node:worker_threads';
 * const config = attachConfig(workerData);
 */
export function attachConfig<Name extends string = DefaultFeature>(
  handle: ConfigHandle<Name> | ConfigHandle,
): ProductionConfig<Name> {
  return loadOnDemand().attach(handle) as ProductionConfig<Name>;
}

/**
 * Forgets the retired features of a database, so that their bits are free for the next names, whoever lists them. The last
 * features get the bits of the forgotten ones; what is in effect stays as it is. Nobody else may have the database open: a program
 * knows its features by their bits.
 *
 * @param persistPath - The database, which must exist.
 * @returns The forgotten names.
 * @throws ConfigError `ERR_STORE_IN_USE`, and errors of the database. Nothing has changed then.
 * @example
 * const forgotten = await compactNames('./config.db');
 */
export function compactNames(persistPath: string, options: CompactOptions = {}): Promise<string[]> {
  return loadOnDemand().compactNames(persistPath, options);
}

function create<Name extends string>(options: CheckedOptions, enabled: readonly string[]): ProductionConfig<Name> {
  const { opened, history } = open(options, startupOf(options, enabled));
  for (const name of namesWithoutBit(options.features, tableOfPage(opened))) {
    process.emitWarning(noBitFor(name, tableOfPage(opened)), { type: 'ConfigWarning', code: 'ERR_TOO_MANY_FEATURES' });
  }
  return assemble(options, opened, history);
}

export function startupOf(options: CheckedOptions, enabled: readonly string[]): NativeStartup {
  const { environment, features, declarations, actor, autoLoad, clusterSync } = options;
  const liveMustExist = options.liveMustExist || clusterSync === 'if-live';
  return {
    environment,
    enabled: [...enabled],
    autoLoad,
    liveMustExist,
    ...(features && { features: [...features] }),
    ...(declarations.length > 0 && { declarations: [...declarations], actor: actor ?? defaultActor() }),
  };
}

/** The history of a config, or why there is none. */
export type History = Pick<Settings, 'store' | 'storeStatus' | 'storeError'>;

export const NO_HISTORY: History = { store: undefined, storeStatus: { status: 'none' }, storeError: undefined };

/** Creates the config of a page that was opened with these options. */
export function assemble<Name extends string>(
  options: CheckedOptions,
  opened: NativePage,
  { store, storeStatus, storeError }: History,
): ProductionConfig<Name> {
  const { environment, features, declarations, actor, readOnly, clusterSync, clusterName, autoPersistMs, debugMode } =
    options;
  const page = pageOf(opened);
  const table = tableOfPage(opened);
  // A degraded config has a private page. One that is attached to a private page of its process has the handle of a live one.
  const isShared = clusterSync !== false && isLive(page);
  const settings: Settings = {
    environment,
    actor,
    readOnly,
    store,
    storeStatus,
    storeError,
    stopwatch: undefined,
    clusterSync: isShared,
    clusterName: isShared ? clusterName : undefined,
    autoPersistMs,
    withoutBit: namesWithoutBit(features, table),
    declarations,
  };
  const parts: Parts = { page, table, settings: shared(settings) };
  return (debugMode ? loadOnDemand().timedConfig(parts) : makeConfig(parts)) as ProductionConfig<Name>;
}

const NONE: readonly string[] = Object.freeze([]);

/** The names of a program's list for which no bit was left. */
function namesWithoutBit(features: readonly string[] | undefined, { names }: FeatureTable): readonly string[] {
  if (features === undefined || names.length < MAX_FEATURES) return NONE;
  const missing = features.filter((name) => !names.includes(name));
  return missing.length === 0 ? NONE : missing;
}

let lastSettings: Settings | undefined;

/** Reuses the settings of the previous config if they are equal, as those of thousands of small configs are. */
function shared(settings: Settings): Settings {
  const last = lastSettings;
  const isSame =
    last !== undefined && (Object.keys(settings) as (keyof Settings)[]).every((key) => settings[key] === last[key]);
  // Those with a store have it alone, and would keep it.
  if (!isSame && settings.store === undefined) lastSettings = settings;
  return isSame ? last : settings;
}

function open(options: CheckedOptions, startup: NativeStartup): { opened: NativePage; history: History } {
  const { persistPath, environment, readOnly, fileMustExist, degrade } = options;
  if (persistPath === undefined) {
    return { opened: openPage(options, startup), history: NO_HISTORY };
  }
  let store: Store | undefined;
  try {
    store = new Store(persistPath, environment, readOnly, fileMustExist);
    const opened = openPage(options, startup, store);
    if (options.follow) store.follow(opened.handle);
    return { opened, history: { store, storeStatus: { status: 'ok', path: persistPath }, storeError: undefined } };
  } catch (error) {
    store?.close().catch(() => {});
    if (!degrade) throw error;
    const storeError = error as Error & { code: string };
    const { code, message } = storeError;
    const storeStatus = { status: 'degraded', path: persistPath, error: { code, message } } as const;
    return { opened: native.openPrivatePage(startup), history: { store: undefined, storeStatus, storeError } };
  }
}

/** With `'if-live'`: a private page if no program shares one, or the platform cannot share. */
function openPage({ clusterSync, clusterName }: CheckedOptions, startup: NativeStartup, store?: Store): NativePage {
  const openPrivate = () => (store ? store.openPage(startup, false) : native.openPrivatePage(startup));
  if (!clusterSync) return openPrivate();
  try {
    return store ? store.openPage(startup, true) : native.openClusterPage(startup, clusterName);
  } catch (error) {
    const { code } = error as { code?: string };
    if (clusterSync === 'if-live' && code === 'ERR_NOT_LIVE') return openPrivate();
    throw error;
  }
}
