import type { ProductionConfig } from '../config';
import { assemble, type History, NO_HISTORY, startupOf } from '../create';
import { makeError } from '../core/errors';
import { BANK_SIZE } from '../core/layout';
import { native, type NativePage } from '../native/binding';
import { type CheckedOptions, checkOptions } from '../options';
import { pageOf, readRegistryHash } from '../core/page';
import { Store } from '../native/store';
import { checkHandle } from './handle';
import type { ConfigHandle } from '../types';

/** Creates the config of a handle. */
export function attach<Name extends string>(handle: ConfigHandle): ProductionConfig<Name> {
  const checked = checkHandle(handle);
  const {
    environment,
    features,
    featuresWithoutBit = [],
    persistPath,
    enableClusterSync,
    clusterName,
    autoPersistMs,
    readOnly,
    actor,
    debugMode,
  } = checked;
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
    // Bits may have other names since, as long as nobody had the database open.
    if (opened && store?.hasNamesOf(opened.handle) === false) throw staleHandle(checked);
    opened ??= openAgain(checked, options, store);
    return assemble(
      { ...options, features: [...features, ...featuresWithoutBit] },
      opened,
      store ? historyOf(store) : NO_HISTORY,
    );
  } catch (error) {
    if (opened) native.releasePage(opened.handle);
    store?.close().catch(() => {});
    throw error;
  }
}

function historyOf(store: Store): History {
  return { store, storeStatus: { status: 'ok', path: store.path }, storeError: undefined };
}

/** The database of a handle. A handle whose database was deleted is stale, and must not create an empty one. */
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
    `No state page ${pageId} in use: the config it was shared from is gone, or is private to another process ` +
      '(share a new handle, or use enableClusterSync)',
    cause,
  );
}

function adopt({ pageId, features, retiredFeatures = [] }: ConfigHandle): NativePage | undefined {
  const handle = native.adoptPage(pageId);
  if (handle === null) return undefined;
  const live = native.pageFeatures(handle);
  if (live.names?.length !== 0) return live;
  // A private page has no table, so the names of the handle apply.
  const most = live.banks * BANK_SIZE;
  if (features.length > most) {
    native.releasePage(handle);
    throw makeError(
      'ERR_INVALID_VALUE',
      `Invalid handle.features: ${features.length} names (must be those of the page, which has room for ${most})`,
    );
  }
  const page = pageOf(live);
  const registryHashes = Array.from({ length: page.banks }, (_, bank) => readRegistryHash(page, bank));
  const retired = retiredFeatures.map((name) => features.indexOf(name)).filter((bit) => bit >= 0);
  return { ...live, names: [...features], retired, registryHashes };
}

/** In another process, by path or name. */
function openAgain(handle: ConfigHandle, options: CheckedOptions, store: Store | undefined): NativePage {
  const { pageId, enableClusterSync } = handle;
  if (enableClusterSync) {
    // The names of the handle are there already. Listing them would bring back retired ones.
    const startup = startupOf({ ...options, features: [] }, []);
    const opened = store ? store.openPage(startup, true) : native.openClusterPage(startup, options.clusterName);
    if (native.pageId(opened.handle) === pageId) return opened;
    native.releasePage(opened.handle);
  }
  throw staleHandle(handle);
}
