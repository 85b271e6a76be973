import type { FeatureTable } from './feature-table';
import { DEFAULT_FEATURES } from './layout';
import { nameIndex } from './name-index';
import type { NativePage } from '../native/binding';

const tables = new Map<string, FeatureTable>();

/** The table of these names, which the core has checked and hashed. */
export function featureTable(names: readonly string[], hashes: readonly number[]): FeatureTable {
  // A newline cannot be part of a name, so no two lists of names share a key.
  const key = names.join('\n');
  const known = tables.get(key);
  if (known) return known;

  const table = Object.freeze({
    names: Object.freeze([...names]),
    index: nameIndex(names),
    prefixes: [],
    hashes: Object.freeze([...hashes]),
  });
  tables.set(key, table);
  return table;
}

let defaultTable: FeatureTable | undefined;

/** The table of a page. */
export function tableOfPage({ names, registryHashes }: NativePage): FeatureTable {
  if (names) return featureTable(names, registryHashes);
  defaultTable ??= featureTable(DEFAULT_FEATURES, registryHashes);
  return defaultTable;
}
