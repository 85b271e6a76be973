import { ProductionConfig, type Parts } from './config';
import type { StoreStatus } from './debug-view';
import { type FeatureTable, featureTable } from './feature-table';
import { DEFAULT_RECORD } from './generated/layout';
import type { NativeAnswer, NativeRevision } from './native';
import { type CheckedOptions, checkOptions, type ConfigOptions, type DefaultFeature } from './options';
import { allocatePage, type Page } from './page';
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

function create<Name extends string>(options: CheckedOptions, initial: readonly string[]): ProductionConfig<Name> {
  if (options.features) featureTable(options.features);
  const { store, answer, status, error } = openStore(options);
  const table = featureTable(answer ? answer.names : options.features);
  const last = options.autoLoad ? answer?.revisions[0] : undefined;
  const parts: Parts = {
    page: last ? restoredPage(last, table) : initialPage(table, initial, answer?.revisions[0]),
    table,
    environment: options.environment,
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

interface OpenedStore {
  readonly store: Store | undefined;
  readonly answer: NativeAnswer | undefined;
  readonly status: StoreStatus;
  readonly error: Error | undefined;
}

function openStore({ persistPath, environment, features, readOnly, degrade }: CheckedOptions): OpenedStore {
  if (persistPath === undefined) {
    return { store: undefined, answer: undefined, status: { status: 'none' }, error: undefined };
  }
  try {
    const store = new Store(persistPath, environment, readOnly);
    const answer = store.attach(features);
    return { store, answer, status: { status: 'ok', path: persistPath }, error: undefined };
  } catch (error) {
    if (!degrade || !(error instanceof Error)) throw error;
    const { code } = error as Error & { code: string };
    const status = { status: 'degraded', path: persistPath, error: { code, message: error.message } } as const;
    return { store: undefined, answer: undefined, status, error };
  }
}

function restoredPage({ state, revision }: NativeRevision, table: FeatureTable): Page {
  return allocatePage(withHash(state.record, table.hash), state.rollouts, revision);
}

function initialPage(table: FeatureTable, features: readonly string[], last: NativeRevision | undefined): Page {
  const record = withHash(DEFAULT_RECORD, table.hash);
  const flags = features.reduce((sum, name) => sum | (table.masks[name] ?? 0), 0);
  new DataView(record.buffer).setUint32(5, flags, true);
  return allocatePage(record, undefined, last?.revision ?? 0);
}

/** A copy of a record, with the hash of the table that is in use now. */
function withHash(record: readonly number[], hash: number): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(record);
  new DataView(bytes.buffer).setUint32(1, hash, true);
  return bytes;
}
