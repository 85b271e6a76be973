/**
 * Finds the flag of a name; used by every read and flip.
 *
 * The names are known in advance, so the index uses a hash without collisions: of one letter and the length if that
 * distinguishes all names, otherwise of two letters. A look-up then needs one comparison. Looking names up in an object
 * is as fast as long as a program uses a single name; with a second one, V8 takes twice as long.
 */
export interface NameIndex {
  /** Names by hash; `''` for empty slots. The number of slots is a power of two. */
  readonly slots: readonly string[];
  /** The flag of each slot; 0 for empty slots. */
  readonly flags: Int32Array;
  /** The highest slot, as a mask. */
  readonly last: number;
  /** The position of the first letter, and its factor. */
  readonly first: number;
  readonly firstFactor: number;
  /** The position of the second letter, from the end, and its factor; 0 if one letter is enough. */
  readonly second: number;
  readonly secondFactor: number;
  /** The minimum length of a name that has both letters. No name in a slot is shorter. */
  readonly shortest: number;
  /** The flag of each name, for names without a slot. */
  readonly others: ReadonlyMap<string, number>;
}

/**
 * The flag of a name; 0 if it has no flag or no slot. Any value is allowed. The function is small enough for
 * JavaScriptCore to inline it, which saves 9 ns per call.
 */
export function maskOf(index: NameIndex, name: string): number {
  // Never reads beyond the end: after one such read, engines read all letters more slowly.
  if (typeof name !== 'string' || name.length < index.shortest) return 0;
  let hash = name.charCodeAt(index.first) * index.firstFactor + name.length;
  if (index.second !== 0) hash += secondPart(index, name);
  const slot = hash & index.last;
  return index.slots[slot] === name ? index.flags[slot]! : 0;
}

/** A separate function, since most indexes have no second letter. */
function secondPart({ second, secondFactor }: Hash, name: string): number {
  return name.charCodeAt(name.length - second) * secondFactor;
}

/** An index without names: every look-up misses, which takes a closed config to its slow path. */
export const NO_NAMES: NameIndex = makeIndex([], 1, { first: 0, firstFactor: 0, second: 0, secondFactor: 0 });

/** The index of these names, in bit order. */
export function nameIndex(given: readonly string[]): NameIndex {
  if (given.length === 0) return NO_NAMES;
  const names = asKeys(given);
  const size = 2 ** Math.ceil(Math.log2(names.length * SLOTS_PER_NAME));
  const hash = hasNoCollisions(names, USUAL, size) ? USUAL : findHash(names, size);
  return hash ? makeIndex(names, size, hash) : makeIndex(names, 1, NO_NAMES);
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

type Hash = Pick<NameIndex, 'first' | 'firstFactor' | 'second' | 'secondFactor'>;

/** The hash for the default names and many others, tried first: it delays the start. */
const USUAL: Hash = { first: 0, firstFactor: 3, second: 0, secondFactor: 0 };
/** The number of positions tried, from the start and from the end. */
const MOST_FIRST = 16;
const MOST_SECOND = 8;
/** Odd factors, which lose no bit of a letter. */
const FACTORS = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31];
/** Enough slots for one of the attempts to succeed. */
const SLOTS_PER_NAME = 4;

function makeIndex(names: readonly string[], size: number, hash: Hash): NameIndex {
  const last = size - 1;
  const slots: string[] = [];
  for (let slot = 0; slot < size; slot += 1) slots.push('');
  const flags = new Int32Array(size);
  const others = new Map<string, number>();
  for (let bit = 0; bit < names.length; bit += 1) {
    const name = names[bit]!;
    const slot = hashOf(hash, name) & last;
    if (slots[slot] === '') {
      slots[slot] = name;
      flags[slot] = 1 << bit;
    } else {
      others.set(name, 1 << bit);
    }
  }
  const { first, firstFactor, second, secondFactor } = hash;
  const shortest = Math.max(first + 1, second);
  return { slots, flags, last, first, firstFactor, second, secondFactor, shortest, others };
}

/** The hash, as {@link maskOf} computes it. */
function hashOf(hash: Hash, name: string): number {
  const first = name.charCodeAt(hash.first) * hash.firstFactor + name.length;
  return hash.second === 0 ? first : first + secondPart(hash, name);
}

/** A hash without collisions, if there is one among the candidates; the fastest ones are tried first. */
function findHash(names: readonly string[], size: number): Hash | undefined {
  for (let second = 0; second <= MOST_SECOND; second += 1) {
    for (let first = 0; first < MOST_FIRST; first += 1) {
      if (!tellsApart(names, first, second)) continue;
      for (const firstFactor of FACTORS) {
        for (const secondFactor of second === 0 ? [0] : FACTORS) {
          const hash = { first, firstFactor, second, secondFactor };
          if (hasNoCollisions(names, hash, size)) return hash;
        }
      }
    }
  }
  return undefined;
}

/** Whether all names have these letters, and no two names share both letters and length. */
function tellsApart(names: readonly string[], first: number, second: number): boolean {
  const seen = new Set<string>();
  for (const name of names) {
    if (first >= name.length || second > name.length) return false;
    const letters = second === 0 ? name.charAt(first) : name.charAt(first) + name.charAt(name.length - second);
    seen.add(`${name.length}${letters}`);
  }
  return seen.size === names.length;
}

function hasNoCollisions(names: readonly string[], hash: Hash, size: number): boolean {
  const taken = new Set<number>();
  for (const name of names) {
    const slot = hashOf(hash, name) & (size - 1);
    if (taken.has(slot)) return false;
    taken.add(slot);
  }
  return true;
}
