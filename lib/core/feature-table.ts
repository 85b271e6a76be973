import { BANK_SIZE } from './layout';
import type { NameIndex } from './name-index';
import { type RolloutPrefix, rolloutPrefix } from './rollout';

/** Names and their bits. Tables are immutable, and shared by all configs with the same list. */
export interface FeatureTable {
  /** The names, from bit 0 up, with the retired ones. */
  readonly names: readonly string[];
  /** Those that are not retired, in bit order. */
  readonly listed: readonly string[];
  /** The bits of the retired ones. */
  readonly retired: ReadonlySet<number>;
  /** How often names were retired, revived or replaced. */
  readonly changes: number;
  /** The bit of each name. */
  readonly index: NameIndex;
  /** The hash prefix of each feature's rollout, by bit, computed on demand. */
  readonly prefixes: (RolloutPrefix | undefined)[];
  /** For each bank, the `registryHash` of its names. */
  readonly hashes: readonly number[];
}

/** What there is to say of a feature that was listed when all bits had names. */
export function noBitFor(name: string, { names }: FeatureTable): string {
  return (
    `No bit left for feature ${name}, which reads as off: all ${names.length} have names already. ` +
    'Retire some with retireFeature(), or keep the new one in another database. It gets a bit when a program lists it that opens the database alone'
  );
}

/** The hash prefix for the rollout of the feature that owns this bit. */
export function prefixOf({ names, prefixes }: FeatureTable, bit: number): RolloutPrefix {
  return (prefixes[bit] ??= rolloutPrefix(names[bit]!));
}

/** The flags without those of retired names. */
export function withoutRetired({ retired }: FeatureTable, flags: readonly number[]): readonly number[] {
  if (retired.size === 0) return flags;
  const words = [...flags];
  for (const bit of retired) words[bit >>> 5]! &= ~(1 << bit);
  return words;
}

/** The names whose flags are set in the words of the banks, in bit order. */
export function namesOf({ names: all }: Pick<FeatureTable, 'names'>, flags: readonly number[]): string[] {
  const names: string[] = [];
  for (let bank = 0; bank < flags.length; bank += 1) {
    const first = bank * BANK_SIZE;
    // From the lowest flag to the highest. A change usually has one flag.
    for (let rest = flags[bank]! & flagsOfBank(all.length, bank); rest !== 0; rest &= rest - 1) {
      names.push(all[first + 31 - Math.clz32(rest & -rest)]!);
    }
  }
  return names;
}

/** All flags that a bank can have when there are so many names. */
export function flagsOfBank(names: number, bank: number): number {
  const own = names - bank * BANK_SIZE;
  if (own <= 0) return 0;
  return own >= BANK_SIZE ? -1 : (1 << own) - 1;
}
