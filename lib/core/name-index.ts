/**
 * Finds the bit of a name; used by every read and flip.
 *
 * The names are known in advance, so an index uses a hash without collisions, and a look-up needs one comparison. If one
 * letter and the length tell all names apart, as in most short lists, that is the hash. Otherwise a table says for each length
 * which letters do, up to three. Looking names up in an object is as fast as long as a program uses a single name; with a
 * second one, V8 takes twice as long.
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
function slotByLength(lengths: Lengths, name: string): number {
  // No name has more than 63 letters. A text that does has letters at these positions, too.
  const place = lengths.places[name.length & 63]!;
  return place === 0 ? 0 : (place >>> 18) + codeOf(lengths, place, name);
}

function codeOf(lengths: Lengths, place: number, name: string): number {
  const code = name.charCodeAt(place & 63);
  return (lengths.letters === 1 ? code : code + moreLetters(lengths, place, name)) & lengths.last;
}

function moreLetters({ letters, second, third }: Lengths, place: number, name: string): number {
  const code = name.charCodeAt((place >>> 6) & 63) * second;
  return letters === 2 ? code : code + name.charCodeAt((place >>> 12) & 63) * third;
}

/** An index without names: every look-up misses, which takes a closed config to its slow path. */
export const NO_NAMES: NameIndex = indexOfOne([], 1, { first: 0, factor: 0 });

/** The index of these names, in bit order. */
export function nameIndex(given: readonly string[]): NameIndex {
  if (given.length === 0) return NO_NAMES;
  const names = asKeys(given);
  const size = 2 ** Math.ceil(Math.log2(names.length * SLOTS_PER_NAME));
  const letter = names.length > MOST_BY_ONE_LETTER ? undefined : findLetter(names, size);
  return letter ? indexOfOne(names, size, letter) : (indexByLength(names) ?? indexOfOne(names, 1, NO_NAMES));
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

// ---- One letter -------------------------------------------------------------------------------------------------

type Letter = Pick<NameIndex, 'first' | 'factor'>;

/** The letter for the default names and many others, tried first: it delays the start. */
const USUAL: Letter = { first: 0, factor: 3 };
/** The number of positions tried. */
const MOST_FIRST = 16;
/** Odd factors, which lose no bit of a letter. */
const FACTORS = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31];
/** Enough slots for one of the attempts to succeed. */
const SLOTS_PER_NAME = 4;
/** Longer lists are hardly ever told apart by one letter, and it would take long to find out. */
const MOST_BY_ONE_LETTER = 32;

function findLetter(names: readonly string[], size: number): Letter | undefined {
  if (hasNoCollisions(names, USUAL, size)) return USUAL;
  for (let first = 0; first < MOST_FIRST; first += 1) {
    if (!tellsApart(names, first)) continue;
    for (const factor of FACTORS) {
      if (hasNoCollisions(names, { first, factor }, size)) return { first, factor };
    }
  }
  return undefined;
}

/** Whether all names have this letter, and no two names share it and their length. */
function tellsApart(names: readonly string[], first: number): boolean {
  const seen = new Set<number>();
  for (const name of names) {
    if (first >= name.length) return false;
    seen.add(name.length * 128 + name.charCodeAt(first));
  }
  return seen.size === names.length;
}

function hasNoCollisions(names: readonly string[], letter: Letter, size: number): boolean {
  const taken = new Set<number>();
  for (const name of names) {
    const slot = hashOf(letter, name) & (size - 1);
    if (taken.has(slot)) return false;
    taken.add(slot);
  }
  return true;
}

/** The hash, as {@link bitOf} computes it. */
function hashOf({ first, factor }: Letter, name: string): number {
  return name.charCodeAt(first) * factor + name.length;
}

function indexOfOne(names: readonly string[], size: number, { first, factor }: Letter): NameIndex {
  const last = size - 1;
  const slots: string[] = [];
  for (let slot = 0; slot < size; slot += 1) slots.push('');
  const bits = new Uint8Array(size);
  const others = new Map<string, number>();
  for (let bit = 0; bit < names.length; bit += 1) {
    const name = names[bit]!;
    const slot = hashOf({ first, factor }, name) & last;
    if (slots[slot] === '') {
      slots[slot] = name;
      bits[slot] = bit;
    } else {
      others.set(name, bit);
    }
  }
  return { slots, bits, shortest: first + 1, first, factor, last, lengths: undefined, others };
}

// ---- Letters by length ------------------------------------------------------------------------------------------

/** Names of one length, with their bits. */
interface Group {
  readonly length: number;
  readonly names: string[];
  readonly bits: number[];
  /** The positions of the letters that tell them apart, and their codes then. */
  place: number;
  readonly codes: number[];
}

/** Pairs of factors for the second letter and the third: those for digits first, which many names end in. */
const PAIRS = [
  [10, 100],
  [37, 5],
  [17, 91],
] as const;
/** The ranges of codes: that of letters first. */
const RANGES = [128, 256, 512, 1024];
/** How many positions are tried, so that lists without an index do not delay the start for long. */
const MOST_ATTEMPTS = 10_000;

/** `undefined` if no three letters are found that tell the names of each length apart. */
function indexByLength(names: readonly string[]): NameIndex | undefined {
  const groups = groupByLength(names);
  const search = new Search();
  for (const letters of [1, 2, 3]) {
    for (const range of letters === 1 ? RANGES.slice(0, 1) : RANGES) {
      for (const [second, third] of letters === 1 ? PAIRS.slice(0, 1) : PAIRS) {
        const lengths = { places: new Int32Array(64), letters, second, third, last: range - 1 };
        if (groups.every((group) => search.findPlace(group, lengths))) return placeGroups(groups, lengths);
      }
    }
  }
  return undefined;
}

/** The largest first: it is the hardest one. */
function groupByLength(names: readonly string[]): Group[] {
  const groups: Group[] = [];
  const byLength: (Group | undefined)[] = [];
  for (let bit = 0; bit < names.length; bit += 1) {
    const name = names[bit]!;
    let group = byLength[name.length];
    if (group === undefined) {
      group = { length: name.length, names: [], bits: [], place: 0, codes: [] };
      byLength[name.length] = group;
      groups.push(group);
    }
    group.names.push(name);
    group.bits.push(bit);
  }
  return groups.sort((one, other) => other.names.length - one.names.length);
}

/** A search for the letters that tell names apart. */
class Search {
  #attempts = 0;
  /** The last attempt in which a code was seen. */
  readonly #seen = new Int32Array(Math.max(...RANGES));

  /** Finds letters that tell the names of a group apart, from the last ones on. `false` if there are none. */
  findPlace(group: Group, lengths: Lengths): boolean {
    const { length } = group;
    const { letters } = lengths;
    for (let one = length - 1; one >= 0; one -= 1) {
      for (let two = one; two >= (letters === 1 ? one : 0); two -= 1) {
        for (let three = two; three >= (letters === 3 ? 0 : two); three -= 1) {
          if (this.#tells(group, one | (two << 6) | (three << 12), lengths)) return true;
          if (this.#attempts >= MOST_ATTEMPTS) return false;
        }
      }
    }
    return false;
  }

  #tells(group: Group, place: number, lengths: Lengths): boolean {
    this.#attempts += 1;
    group.codes.length = 0;
    for (const name of group.names) {
      const code = codeOf(lengths, place, name);
      if (this.#seen[code] === this.#attempts) return false;
      this.#seen[code] = this.#attempts;
      group.codes.push(code);
    }
    group.place = place;
    return true;
  }
}

/** Gives each length the first slots that are free for all its names. Slot 0 stays empty, for what is no name. */
function placeGroups(groups: readonly Group[], lengths: Lengths): NameIndex {
  const slots: string[] = [''];
  const taken: number[] = [0];
  for (const { length, names, bits, place, codes } of groups) {
    let start = 1;
    while (codes.some((code) => (slots[start + code] ?? '') !== '')) start += 1;
    lengths.places[length] = place | (start << 18);
    for (let index = 0; index < codes.length; index += 1) {
      const slot = start + codes[index]!;
      while (slots.length <= slot) {
        slots.push('');
        taken.push(0);
      }
      slots[slot] = names[index]!;
      taken[slot] = bits[index]!;
    }
  }
  const bits = Uint8Array.from(slots, (_, slot) => taken[slot] ?? 0);
  return { slots, bits, shortest: 1, first: 0, factor: 0, last: 0, lengths, others: new Map() };
}
