import type { FeatureTable } from './feature-table';
import { DEFAULT_FEATURES } from './layout';
import { nameIndex } from './name-index';
import type { NativePage } from '../native/binding';

const tables = new Map<string, FeatureTable>();

/** The parts of a table, as native code has them. */
export type NativeTable = Pick<NativePage, 'retired' | 'changes' | 'registryHashes'> & {
  readonly names: readonly string[];
};

/** A table whose names the core has checked and hashed. */
export function featureTable({ names, retired, changes, registryHashes }: NativeTable): FeatureTable {
  // A newline cannot be part of a name, so no two lists of names share a key.
  const key = `${names.join('\n')}\n\n${changes} ${retired.join()}`;
  const known = tables.get(key);
  if (known) return known;

  const hidden = new Set(retired);
  const table = Object.freeze({
    names: Object.freeze([...names]),
    listed: Object.freeze(names.filter((_, bit) => !hidden.has(bit))),
    retired: hidden,
    changes,
    index: nameIndex(names),
    prefixes: [],
    hashes: Object.freeze([...registryHashes]),
  });
  tables.set(key, table);
  return table;
}

let defaultTable: FeatureTable | undefined;

/** The table of a page. */
export function tableOfPage(page: NativePage): FeatureTable {
  const { names } = page;
  if (names) return featureTable({ ...page, names });
  defaultTable ??= featureTable({ ...page, names: DEFAULT_FEATURES });
  return defaultTable;
}
