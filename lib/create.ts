import { ProductionConfig, type Parts } from './config';
import type { StoreStatus } from './debug-view';
import { featureTable } from './feature-table';
import { native, type NativePage, type NativeStartup } from './native';
import { type CheckedOptions, checkOptions, type ConfigOptions, type DefaultFeature } from './options';
import { pageOf } from './page';
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

function create<Name extends string>(options: CheckedOptions, enabled: readonly string[]): ProductionConfig<Name> {
  const { environment, features, autoLoad } = options;
  const startup: NativeStartup = {
    environment,
    enabled: [...enabled],
    autoLoad,
    ...(features && { features: [...features] }),
  };
  const { store, opened, status, error } = open(options, startup);
  const parts: Parts = {
    page: pageOf(opened.handle),
    table: featureTable(opened.names, opened.registryHash),
    environment,
    actor: options.actor,
    readOnly: options.readOnly,
    store,
    storeStatus: status,
    storeError: error,
    stopwatch: undefined,
  };
  const config = options.debugMode ? timedConfig(parts, new Stopwatch()) : new ProductionConfig(parts);
  return config as ProductionConfig<Name>;
}

interface Opened {
  readonly opened: NativePage;
  readonly store: Store | undefined;
  readonly status: StoreStatus;
  readonly error: Error | undefined;
}

function open(options: CheckedOptions, startup: NativeStartup): Opened {
  const { persistPath, environment, readOnly, clusterSync, clusterName, degrade } = options;
  if (persistPath === undefined) {
    const opened = clusterSync ? native.openClusterPage(startup, clusterName) : native.openPrivatePage(startup);
    return { opened, store: undefined, status: { status: 'none' }, error: undefined };
  }
  try {
    const store = new Store(persistPath, environment, readOnly);
    const opened = store.openPage(startup, clusterSync);
    return { opened, store, status: { status: 'ok', path: persistPath }, error: undefined };
  } catch (error) {
    if (!degrade || !(error instanceof Error)) throw error;
    const { code } = error as Error & { code: string };
    const status = { status: 'degraded', path: persistPath, error: { code, message: error.message } } as const;
    return { opened: native.openPrivatePage(startup), store: undefined, status, error };
  }
}
