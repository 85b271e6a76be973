import { makeConfig, type Parts, type ProductionConfig } from './config';
import type { StoreStatus } from './debug-view';
import { makeError } from './errors';
import { featureTable } from './feature-table';
import { native, type NativePage, type NativeStartup } from './native';
import { type CheckedOptions, checkOptions, type ConfigOptions, type DefaultFeature } from './options';
import { pageOf, readRegistryHash } from './page';
import { checkHandle, type ConfigHandle } from './share';
import { Store } from './store';
import { timedConfig } from './timed-config';
import { Stopwatch } from './timings';

const DEVELOPMENT_FEATURES = ['debug', 'verbose', 'logging'] as const satisfies readonly DefaultFeature[];

/**
 * Opens a config. With `persistPath` it starts from the last persisted state of its environment; without one, or when
 * nothing was persisted yet, every feature is off and the terminal is raw with 24 × 80.
 *
 * @throws TypeError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_TYPE`; RangeError `ERR_INVALID_VALUE`; ConfigError for feature
 *   names and for the database, such as `ERR_STORE_PATH`, `ERR_NOT_A_DATABASE`, `ERR_NEWER_SCHEMA`, `ERR_STORE_BUSY`.
 * @example
 * const config = createProductionConfig({ persistPath: './config.db', features: ['checkout', 'search'] });
 * config.enableFeature('checkout'); // a name that is not in the list does not compile
 * await config.persist('open the shop');
 */
export function createProductionConfig<const Features extends readonly string[] = readonly DefaultFeature[]>(
  options?: ConfigOptions<Features>,
): ProductionConfig<Features[number]> {
  return create(checkOptions(options), []);
}

/**
 * As {@link createProductionConfig}, but with debug, verbose and logging on when nothing was persisted yet, as far as
 * the config has these features.
 */
export function createDevelopmentConfig<const Features extends readonly string[] = readonly DefaultFeature[]>(
  options?: ConfigOptions<Features>,
): ProductionConfig<Features[number]> {
  return create(checkOptions(options), DEVELOPMENT_FEATURES);
}

/**
 * Makes the config of a handle from `config.share()` in another thread, where it is the same config: one memory, one
 * history. A handle of a config with `enableClusterSync` works in other processes too, while the page it names is in use.
 *
 * @throws ConfigError `ERR_STALE_HANDLE` when the page is gone, or belongs to another process alone.
 * @example
 * import { workerData } from 'node:worker_threads';
 * const config = attachConfig(workerData);
 */
export function attachConfig<Name extends string = string>(handle: ConfigHandle): ProductionConfig<Name> {
  const checked = checkHandle(handle);
  const { environment, features, persistPath, enableClusterSync, clusterName, autoPersistMs, readOnly, actor, debugMode } = checked;
  const options = checkOptions({
    environment,
    features,
    persistPath,
    enableClusterSync,
    clusterName,
    autoPersist: autoPersistMs === undefined ? false : { debounceMs: autoPersistMs },
    readOnly,
    actor,
    debugMode,
  });
  let opened = adopt(checked);
  let store: Store | undefined;
  try {
    store = persistPath === undefined ? undefined : openExisting(persistPath, environment, readOnly, checked);
    opened ??= openAgain(checked, options, store);
    return assemble(options, store, opened, store ? { status: 'ok', path: store.path } : { status: 'none' }, undefined);
  } catch (error) {
    if (opened) native.releasePage(opened.handle);
    store?.close().catch(() => {});
    throw error;
  }
}

/** The database of a handle. A handle that outlived its database is stale, and must not bring it back to life, empty. */
function openExisting(path: string, environment: string, readOnly: boolean, handle: ConfigHandle): Store {
  try {
    return new Store(path, environment, readOnly, true);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_STORE_NOT_FOUND') throw error;
    throw staleHandle(handle, error);
  }
}

function staleHandle({ pageId }: ConfigHandle, cause?: unknown): Error {
  return makeError(
    'ERR_STALE_HANDLE',
    `No state page ${pageId} in use: the config it was shared from is gone, or belongs to another process alone ` +
      '(share a new handle, or use enableClusterSync)',
    cause,
  );
}

function adopt({ pageId, features }: ConfigHandle): NativePage | undefined {
  const handle = native.adoptPage(pageId);
  if (handle === null) return undefined;
  const live = native.pageFeatures(handle);
  // A private page carries no table, so it goes by the names it was shared with.
  return live.names.length > 0 ? live : { handle, names: [...features], registryHash: readRegistryHash(pageOf(handle)) };
}

/** In another process, by path or name. */
function openAgain(handle: ConfigHandle, options: CheckedOptions, store: Store | undefined): NativePage {
  const { pageId, enableClusterSync } = handle;
  if (enableClusterSync) {
    const startup = startupOf(options, []);
    const opened = store ? store.openPage(startup, true) : native.openClusterPage(startup, options.clusterName);
    if (native.pageId(opened.handle) === pageId) return opened;
    native.releasePage(opened.handle);
  }
  throw staleHandle(handle);
}

function create<Name extends string>(options: CheckedOptions, enabled: readonly string[]): ProductionConfig<Name> {
  const { store, opened, status, error } = open(options, startupOf(options, enabled));
  return assemble(options, store, opened, status, error);
}

function startupOf(options: CheckedOptions, enabled: readonly string[]): NativeStartup {
  const { environment, features, autoLoad, liveMustExist } = options;
  return { environment, enabled: [...enabled], autoLoad, liveMustExist, ...(features && { features: [...features] }) };
}

function assemble<Name extends string>(
  options: CheckedOptions,
  store: Store | undefined,
  opened: NativePage,
  storeStatus: StoreStatus,
  storeError: Error | undefined,
): ProductionConfig<Name> {
  const { environment, actor, readOnly, clusterSync, clusterName, autoPersistMs } = options;
  const parts: Parts = {
    page: pageOf(opened.handle),
    table: featureTable(opened.names, opened.registryHash),
    environment,
    actor,
    readOnly,
    store,
    storeStatus,
    storeError,
    stopwatch: undefined,
    clusterSync,
    clusterName,
    autoPersistMs,
  };
  const config = options.debugMode ? timedConfig(parts, new Stopwatch()) : makeConfig(parts);
  return config as ProductionConfig<Name>;
}

interface Opened {
  readonly opened: NativePage;
  readonly store: Store | undefined;
  readonly status: StoreStatus;
  readonly error: Error | undefined;
}

function open(options: CheckedOptions, startup: NativeStartup): Opened {
  const { persistPath, environment, readOnly, fileMustExist, clusterSync, clusterName, degrade } = options;
  if (persistPath === undefined) {
    const opened = clusterSync ? native.openClusterPage(startup, clusterName) : native.openPrivatePage(startup);
    return { opened, store: undefined, status: { status: 'none' }, error: undefined };
  }
  let store: Store | undefined;
  try {
    store = new Store(persistPath, environment, readOnly, fileMustExist);
    const opened = store.openPage(startup, clusterSync);
    return { opened, store, status: { status: 'ok', path: persistPath }, error: undefined };
  } catch (error) {
    store?.close().catch(() => {});
    if (!degrade || !(error instanceof Error)) throw error;
    const { code } = error as Error & { code: string };
    const status = { status: 'degraded', path: persistPath, error: { code, message: error.message } } as const;
    return { opened: native.openPrivatePage(startup), store: undefined, status, error };
  }
}
