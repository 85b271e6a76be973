/**
 * Finds the flag of a name, on the way of every read and flip.
 *
 * Names are known when an index is made, so it looks for a hash without collisions: of one letter and the length where
 * that tells all names apart, else of two letters. One comparison then says whether it is that name. Looking a name up
 * in an object is as quick while a program asks for one name alone, and takes V8 twice as long from the second on.
 */
export interface NameIndex {
  /** Names by hash, and `''` where there is none. Their number is a power of two. */
  readonly slots: readonly string[];
  /** The flag of each slot, 0 where there is none. */
  readonly flags: Int32Array;
  /** The highest slot. */
  readonly last: number;
  /** Where the first letter is, and what it is multiplied by. */
  readonly first: number;
  readonly firstFactor: number;
  /** Where the second letter is, from the end, and what it is multiplied by; 0 when one is enough. */
  readonly second: number;
  readonly secondFactor: number;
  /** The least letters that a name has for both to be there. No name in a slot has fewer. */
  readonly shortest: number;
  /** The flag of each name, for names without a slot. */
  readonly others: ReadonlyMap<string, number>;
}

/**
 * The flag of a name; 0 when it has none, or no slot. Anything may be asked for. It is small enough for JavaScriptCore to
 * compile it into those that call it, which takes 9 ns off each of them.
 */
export function maskOf(index: NameIndex, name: string): number {
  // Letters beyond the end are never looked at: once they were, engines read all letters more slowly.
  if (typeof name !== 'string' || name.length < index.shortest) return 0;
  let hash = name.charCodeAt(index.first) * index.firstFactor + name.length;
  if (index.second !== 0) hash += secondPart(index, name);
  const slot = hash & index.last;
  return index.slots[slot] === name ? index.flags[slot]! : 0;
}

/** A function of its own, since most indexes have no second letter. */
function secondPart({ second, secondFactor }: Hash, name: string): number {
  return name.charCodeAt(name.length - second) * secondFactor;
}

/** An index without names: every look-up in it misses, which sends a closed config to its slow path. */
export const NO_NAMES: NameIndex = makeIndex([], 1, { first: 0, firstFactor: 0, second: 0, secondFactor: 0 });

/** The index of these names, by the bits that they own. */
export function nameIndex(given: readonly string[]): NameIndex {
  if (given.length === 0) return NO_NAMES;
  const names = asKeys(given);
  const size = 2 ** Math.ceil(Math.log2(names.length * SLOTS_PER_NAME));
  const hash = hasNoCollisions(names, USUAL, size) ? USUAL : findHash(names, size);
  return hash ? makeIndex(names, size, hash) : makeIndex(names, 1, NO_NAMES);
}

/**
 * The same names as engines keep the keys of objects and the literals of programs: each once, so that comparing two is
 * comparing their places. What native code gives are strings of their own.
 */
function asKeys(names: readonly string[]): readonly string[] {
  const keys: { [name: string]: true } = {};
  for (const name of names) keys[name] = true;
  return Object.keys(keys);
}

type Hash = Pick<NameIndex, 'first' | 'firstFactor' | 'second' | 'secondFactor'>;

/** What suits the default names, and many others: programs that start wait for the first index. */
const USUAL: Hash = { first: 0, firstFactor: 3, second: 0, secondFactor: 0 };
/** Letters that are looked at: that many from the start, and from the end. */
const MOST_FIRST = 16;
const MOST_SECOND = 8;
/** Odd, so that no bit of a letter is lost. */
const FACTORS = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31];
/** Enough that one of the tries finds places for all. */
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

/** As {@link maskOf} makes it. */
function hashOf(hash: Hash, name: string): number {
  const first = name.charCodeAt(hash.first) * hash.firstFactor + name.length;
  return hash.second === 0 ? first : first + secondPart(hash, name);
}

/** A hash without collisions, if one of those tried is: those that are computed fastest first. */
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

/** Whether all names have these letters, and no two the same ones and the same length. */
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
