import { type RolloutPrefix, rolloutPrefix } from './rollout';

/** Names and the bits they own. Tables are immutable, and shared by all configs with the same list. */
export interface FeatureTable {
  /** The names, from bit 0 up. */
  readonly names: readonly string[];
  /** The flag of each name. Has no prototype, so that no inherited property is taken for a feature. */
  readonly masks: { readonly [name: string]: number | undefined };
  /** What the rollout of each feature hashes before a key, by bit. */
  readonly prefixes: readonly RolloutPrefix[];
  /** All flags of this table. */
  readonly all: number;
  /** What `registryHash` is while this table is in use. */
  readonly hash: number;
}

/** A table without names: every look-up in it misses, which sends a closed config to its slow path. */
export const NO_MASKS: FeatureTable['masks'] = Object.freeze(Object.create(null));

const tables = new Map<string, FeatureTable>();

/** The table of these names, which the core has checked and hashed. */
export function featureTable(names: readonly string[], hash: number): FeatureTable {
  // A newline cannot be part of a name, so no two lists of names share a key.
  const key = names.join('\n');
  const known = tables.get(key);
  if (known) return known;

  // Made with a prototype that is taken away again: an object that never had one is a hash table to V8, and a look-up by
  // a constant name then takes ten times as long. Not frozen, since that makes JavaScriptCore's look-ups slower.
  const masks: FeatureTable['masks'] = Object.setPrototypeOf(
    Object.fromEntries(names.map((name, bit) => [name, 1 << bit])),
    null,
  );
  const all = names.reduce((flags, _name, bit) => flags | (1 << bit), 0);
  const table = Object.freeze({
    names: Object.freeze([...names]),
    masks,
    prefixes: names.map(rolloutPrefix),
    all,
    hash,
  });
  tables.set(key, table);
  return table;
}

/** The names whose flags are set, in bit order. */
export function namesOf(table: FeatureTable, flags: number): string[] {
  const names: string[] = [];
  // From the lowest flag to the highest: a change mostly has one.
  for (let rest = flags & table.all; rest !== 0; rest &= rest - 1) {
    names.push(table.names[31 - Math.clz32(rest & -rest)]!);
  }
  return names;
}
