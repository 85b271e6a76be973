import { checkBoolean, checkKeys, checkString } from '../checks';
import { makeError, show } from '../errors';

/**
 * What {@link ProductionConfig.share} gives: plain data for `workerData`, `postMessage` or a message to a child process,
 * and {@link attachConfig} takes.
 */
export interface ConfigHandle<Name extends string = string> {
  /** Tells a handle from other objects. */
  readonly type: '13byte-config';
  /** Which state page it is, 16 hexadecimal digits. */
  readonly pageId: string;
  /** The environment of the config. */
  readonly environment: string;
  /** The feature names, from bit 0 up. */
  readonly features: readonly Name[];
  /** The database, if there is one. */
  readonly persistPath?: string | undefined;
  /** Whether other processes can attach. */
  readonly enableClusterSync: boolean;
  /** Who shares, when there is no database. */
  readonly clusterName?: string | undefined;
  /** Milliseconds from a change to its automatic persisting, with `autoPersist`. */
  readonly autoPersistMs?: number | undefined;
  /** Whether the config refuses changes. */
  readonly readOnly: boolean;
  /** Who is recorded with revisions, where the config was given somebody. */
  readonly actor?: string | undefined;
  /** Whether operations are timed. */
  readonly debugMode: boolean;
  /** The state page, where the runtime can share it. It keeps the page alive while the handle is on its way. */
  readonly buffer?: SharedArrayBuffer | undefined;
}

const KEYS: readonly (keyof ConfigHandle)[] = [
  'type',
  'pageId',
  'environment',
  'features',
  'persistPath',
  'enableClusterSync',
  'clusterName',
  'autoPersistMs',
  'readOnly',
  'actor',
  'debugMode',
  'buffer',
];

/** Refuses what was not made by `share()`. What the options have too is checked as they are. */
export function checkHandle(value: unknown): ConfigHandle {
  const given = checkKeys(value, 'handle', KEYS);
  // Each field is read once, so that what was checked is what is used.
  const handle: Record<string, unknown> = Object.fromEntries(KEYS.map((key) => [key, given[key]]));
  if (handle['type'] !== '13byte-config') {
    throw makeError('ERR_INVALID_VALUE', `Invalid handle: ${show(value)} (must come from config.share())`);
  }
  const pageId = checkString(handle['pageId'], 'handle.pageId');
  if (!/^[0-9a-f]{16}$/.test(pageId)) {
    throw makeError('ERR_INVALID_VALUE', `Invalid handle.pageId: ${show(pageId)} (must be 16 hexadecimal digits)`);
  }
  // As options these may be left out, but a handle has them.
  checkString(handle['environment'], 'environment');
  checkBoolean(handle['enableClusterSync'], 'enableClusterSync');
  checkBoolean(handle['readOnly'], 'readOnly');
  checkBoolean(handle['debugMode'], 'debugMode');
  if (!Array.isArray(handle['features'])) {
    throw makeError('ERR_INVALID_TYPE', `Invalid features: ${show(handle['features'])} (must be an array of names)`);
  }
  handle['features'] = Array.from(handle['features']);
  return handle as unknown as ConfigHandle;
}
