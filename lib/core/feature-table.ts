import { DEFAULT_FEATURES } from './layout';
import { type NameIndex, nameIndex } from './name-index';
import type { NativePage } from '../native/binding';
import { type RolloutPrefix, rolloutPrefix } from './rollout';

/** Names and their bits. Tables are immutable, and shared by all configs with the same list. */
export interface FeatureTable {
  /** The names, from bit 0 up. */
  readonly names: readonly string[];
  /** The flag of each name. */
  readonly index: NameIndex;
  /** The hash prefix of each feature's rollout, by bit, computed on demand. */
  readonly prefixes: (RolloutPrefix | undefined)[];
  /** All flags of this table. */
  readonly all: number;
  /** The `registryHash` of this table. */
  readonly hash: number;
}

const tables = new Map<string, FeatureTable>();

/** The table of these names, which the core has checked and hashed. */
export function featureTable(names: readonly string[], hash: number): FeatureTable {
  // A newline cannot be part of a name, so no two lists of names share a key.
  const key = names.join('\n');
  const known = tables.get(key);
  if (known) return known;

  const table = Object.freeze({
    names: Object.freeze([...names]),
    index: nameIndex(names),
    prefixes: [],
    all: (2 ** names.length - 1) | 0,
    hash,
  });
  tables.set(key, table);
  return table;
}

let defaultTable: FeatureTable | undefined;

/** The table of a page. */
export function tableOfPage({ names, registryHash }: NativePage): FeatureTable {
  if (names) return featureTable(names, registryHash);
  defaultTable ??= featureTable(DEFAULT_FEATURES, registryHash);
  return defaultTable;
}

/** What there is to say of a feature that was listed when all bits had names. */
export function noBitFor(name: string, { names }: FeatureTable): string {
  return (
    `No bit left for feature ${name}, which reads as off: all ${names.length} are taken by ${names.join(', ')}. ` +
    'Keep the new one in another database'
  );
}

/** The hash prefix for the rollout of the feature that owns this bit. */
export function prefixOf({ names, prefixes }: FeatureTable, bit: number): RolloutPrefix {
  return (prefixes[bit] ??= rolloutPrefix(names[bit]!));
}

/** The names whose flags are set, in bit order. */
export function namesOf(table: FeatureTable, flags: number): string[] {
  const names: string[] = [];
  // From the lowest flag to the highest. A change usually has one flag.
  for (let rest = flags & table.all; rest !== 0; rest &= rest - 1) {
    names.push(table.names[31 - Math.clz32(rest & -rest)]!);
  }
  return names;
}
