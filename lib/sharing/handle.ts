import { checkBoolean, checkKeys, checkString } from '../core/checks';
import { makeError, show } from '../core/errors';
import type { ConfigHandle } from '../types';

const KEYS: readonly (keyof ConfigHandle)[] = [
  'type',
  'pageId',
  'environment',
  'features',
  'featuresWithoutBit',
  'retiredFeatures',
  'persistPath',
  'enableClusterSync',
  'clusterName',
  'autoPersistMs',
  'readOnly',
  'actor',
  'debugMode',
  'buffer',
];

/** Refuses anything that `share()` did not create. Fields that are also options get the checks of options. */
export function checkHandle(value: unknown): ConfigHandle {
  const given = checkKeys(value, 'handle', KEYS);
  // Each field is read once, so that the checked value is the one used.
  const handle: Record<string, unknown> = Object.fromEntries(KEYS.map((key) => [key, given[key]]));
  if (handle['type'] !== '13byte-config') {
    throw makeError('ERR_INVALID_VALUE', `Invalid handle: ${show(value)} (must come from config.share())`);
  }
  const pageId = checkString(handle['pageId'], 'handle.pageId');
  if (!/^[0-9a-f]{16}$/.test(pageId)) {
    throw makeError('ERR_INVALID_VALUE', `Invalid handle.pageId: ${show(pageId)} (must be 16 hexadecimal digits)`);
  }
  // Optional as options, but required in a handle.
  checkString(handle['environment'], 'environment');
  checkBoolean(handle['enableClusterSync'], 'enableClusterSync');
  checkBoolean(handle['readOnly'], 'readOnly');
  checkBoolean(handle['debugMode'], 'debugMode');
  handle['features'] = checkNames(handle['features'], 'features');
  if (handle['featuresWithoutBit'] !== undefined) {
    handle['featuresWithoutBit'] = checkNames(handle['featuresWithoutBit'], 'handle.featuresWithoutBit');
  }
  if (handle['retiredFeatures'] !== undefined) {
    handle['retiredFeatures'] = checkNames(handle['retiredFeatures'], 'handle.retiredFeatures');
  }
  return handle as unknown as ConfigHandle;
}

function checkNames(value: unknown, what: string): readonly string[] {
  if (!Array.isArray(value)) {
    throw makeError('ERR_INVALID_TYPE', `Invalid ${what}: ${show(value)} (must be an array of names)`);
  }
  return Array.from(value, (name) => checkString(name, what));
}
