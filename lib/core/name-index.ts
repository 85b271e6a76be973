import { native } from '../native/binding';

/**
 * Finds the bit of a name; used by every read and flip.
 *
 * The names are known in advance, so an index uses a hash without collisions, which `src/name_index.rs` finds, and a look-up
 * needs one comparison. If one letter and the length tell all names apart, as in many short lists, that is the hash. Otherwise a
 * table says for each length which letters do, up to three. Looking names up in an object is as fast as long as a program uses
 * a single name; with a second one, V8 takes twice as long.
 */
export interface NameIndex {
  /** Names by hash; `''` for empty slots. */
  readonly slots: readonly string[];
  /** The bit of each slot; 0 for empty slots. */
  readonly bits: Uint8Array;
  /** The minimum length of a name in a slot. */
  readonly shortest: number;
  /** With one letter: its position, its factor, and the highest slot, as a mask. */
  readonly first: number;
  readonly factor: number;
  readonly last: number;
  /** With letters by length. */
  readonly lengths: Lengths | undefined;
  /** The bit of each name, for names without a slot. */
  readonly others: ReadonlyMap<string, number>;
}

/** Which letters tell the names of a length apart. */
interface Lengths {
  /** By length: three positions in six bits each, from the lowest, and the slot of the code 0. 0 for lengths no name has. */
  readonly places: Int32Array;
  /** How many letters count. */
  readonly letters: number;
  /** The factors of the second letter and the third, and the highest code, as a mask. */
  readonly second: number;
  readonly third: number;
  readonly last: number;
}

/** The result of {@link bitOf} for what is no name. */
export const NO_BIT = -1;

/**
 * The bit of a name; {@link NO_BIT} if it has none, or no slot. Any value is allowed. The function is small enough for
 * JavaScriptCore to inline it, which saves 9 ns per call.
 */
export function bitOf(index: NameIndex, name: string): number {
  // Never reads beyond the end: after one such read, engines read all letters more slowly.
  if (typeof name !== 'string' || name.length < index.shortest) return NO_BIT;
  const slot =
    index.lengths === undefined
      ? (name.charCodeAt(index.first) * index.factor + name.length) & index.last
      : slotByLength(index.lengths, name);
  return index.slots[slot] === name ? index.bits[slot]! : NO_BIT;
}

/** A separate function, since most indexes do without. */
function slotByLength({ places, letters, second, third, last }: Lengths, name: string): number {
  // No name has more than 63 letters. A text that does has letters at these positions, too.
  const place = places[name.length & 63]!;
  if (place === 0) return 0;
  let code = name.charCodeAt(place & 63);
  if (letters !== 1) {
    code += name.charCodeAt((place >>> 6) & 63) * second;
    if (letters !== 2) code += name.charCodeAt((place >>> 12) & 63) * third;
  }
  return (place >>> 18) + (code & last);
}

/** An index without names: every look-up misses, which takes a closed config to its slow path. */
export const NO_NAMES: NameIndex = {
  slots: [''],
  bits: new Uint8Array(1),
  shortest: 1,
  first: 0,
  factor: 0,
  last: 0,
  lengths: undefined,
  others: new Map(),
};

/** The index of these names, in bit order. */
export function nameIndex(given: readonly string[]): NameIndex {
  if (given.length === 0) return NO_NAMES;
  const names = asKeys(given);
  return (
    usualIndex(names) ?? foundIndex(names) ?? { ...NO_NAMES, others: new Map(names.map((name, bit) => [name, bit])) }
  );
}

/**
 * The same names as interned strings, like object keys and literals, so that engines compare them by identity. Strings
 * from native code are not interned.
 */
function asKeys(names: readonly string[]): readonly string[] {
  const keys: { [name: string]: true } = {};
  for (const name of names) keys[name] = true;
  return Object.keys(keys);
}

/** The letter for the default names and many others, tried first. */
const USUAL_FACTOR = 3;
/** Enough slots for it to be without collisions, usually. */
const SLOTS_PER_NAME = 4;

/** The index with the usual letter, if it tells the names apart. */
function usualIndex(names: readonly string[]): NameIndex | undefined {
  const slots: string[] = [];
  const bits = new Uint8Array(2 ** Math.ceil(Math.log2(names.length * SLOTS_PER_NAME)));
  for (let slot = 0; slot < bits.length; slot += 1) slots.push('');
  for (let bit = 0; bit < names.length; bit += 1) {
    const name = names[bit]!;
    const slot = (name.charCodeAt(0) * USUAL_FACTOR + name.length) & (bits.length - 1);
    if (slots[slot] !== '') return undefined;
    slots[slot] = name;
    bits[slot] = bit;
  }
  return { ...NO_NAMES, slots, bits, factor: USUAL_FACTOR, last: bits.length - 1 };
}

/** The index with the hash that native code finds, if there is one. */
function foundIndex(names: readonly string[]): NameIndex | undefined {
  const found = native.nameIndex(names as string[]);
  if (!found) return undefined;
  const { slots, first, factor, places, letters, second, third, range } = found;
  return {
    slots: slots.map((bit) => names[bit] ?? ''),
    bits: Uint8Array.from(slots, (bit) => Math.max(bit, 0)),
    shortest: first + 1,
    first,
    factor,
    last: slots.length - 1,
    lengths: places && { places: Int32Array.from(places), letters, second, third, last: range - 1 },
    others: NO_NAMES.others,
  };
}
