/**
 * The keys that a feature is rolled out to: always the same ones, in steps of 0.01 percent.
 *
 * The hash is MurmurHash3_x86_32 (Austin Appleby, public domain) with seed 0 over the UTF-8 bytes of `name:key`. At
 * whole percentages the cohorts are those of Unleash's gradual rollout with the feature's name as group id, so users
 * keep their features when a team migrates.
 */
import { makeError, show } from './errors';
import { FULL_ROLLOUT } from './layout';

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** The hashed prefix of all keys of a feature. */
export interface RolloutPrefix {
  /** The hash state after the whole words of the prefix. */
  readonly state: number;
  /** The remaining bytes, the first in the low byte. */
  readonly tail: number;
  /** Bytes of the prefix. */
  readonly length: number;
}

/** The prefix of a feature's name, which is ASCII. Computed once per feature. */
export function rolloutPrefix(name: string): RolloutPrefix {
  const text = `${name}:`;
  let state = 0;
  let tail = 0;
  for (let index = 0; index < text.length; index += 1) {
    tail |= text.charCodeAt(index) << ((index & 3) * 8);
    if ((index & 3) === 3) {
      state = mixWord(state, tail);
      tail = 0;
    }
  }
  return { state, tail, length: text.length };
}

/**
 * The bucket of a key, 0 to 9999. A feature is on for keys whose bucket is below its basis points.
 *
 * @throws RangeError `ERR_INVALID_VALUE` for a lone surrogate, which UTF-8 cannot express.
 */
export function rolloutBucket(prefix: RolloutPrefix, key: string): number {
  const bucket = bucketOfBytes(prefix, key, 0x7f);
  if (bucket !== NOT_BYTES) return bucket;
  checkKey(key);
  // Its UTF-8 bytes, each as a character.
  return bucketOfBytes(prefix, Buffer.from(key).toString('latin1'), 0xff);
}

/** No bucket is negative. */
const NOT_BYTES = -1;

/** The bucket of a string with one byte per character; {@link NOT_BYTES} if a character is above `highest`. */
function bucketOfBytes({ state, tail, length }: RolloutPrefix, text: string, highest: number): number {
  const shift = (length & 3) * 8;
  const size = text.length;
  let hash = state;
  // The bytes left over from the word before, at the low end.
  let rest = tail;
  let index = 0;
  for (; index + 4 <= size; index += 4) {
    const a = text.charCodeAt(index);
    const b = text.charCodeAt(index + 1);
    const c = text.charCodeAt(index + 2);
    const d = text.charCodeAt(index + 3);
    // All low bits of `highest` are set, so one test covers four characters.
    if ((a | b | c | d) > highest) return NOT_BYTES;
    const word = a | (b << 8) | (c << 16) | (d << 24);
    hash = mixWord(hash, rest | (word << shift));
    // Twice, since a shift by 32 is one by 0.
    rest = (word >>> 1) >>> (31 - shift);
  }
  let filled = shift;
  for (; index < size; index += 1) {
    const code = text.charCodeAt(index);
    if (code > highest) return NOT_BYTES;
    rest |= code << filled;
    filled += 8;
    if (filled === 32) {
      hash = mixWord(hash, rest);
      rest = 0;
      filled = 0;
    }
  }
  return bucketOf(finish(hash, rest, length + size));
}

/** One step of MurmurHash3 (x86, 32 bits). */
export function mixWord(state: number, word: number): number {
  const mixed = state ^ scramble(word);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function scramble(word: number): number {
  const product = Math.imul(word, C1);
  return Math.imul((product << 15) | (product >>> 17), C2);
}

function finish(state: number, tail: number, length: number): number {
  let hash = state ^ scramble(tail) ^ length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The whole percentages come first, so they agree with a hash that has only those. */
function bucketOf(hash: number): number {
  return (hash % 100) * 100 + (((hash / 100) >>> 0) % 100);
}

/** Refuses invalid keys regardless of the rollout, so that a key does not start to fail when the rollout changes. */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key !== 'string') {
    throw makeError('ERR_INVALID_TYPE', `Invalid rollout key: ${show(key)} (must be a string, such as a user id)`);
  }
  if (key === '') {
    throw makeError('ERR_INVALID_VALUE', 'Invalid rollout key: "" (must not be empty)');
  }
  if (!key.isWellFormed()) {
    throw makeError(
      'ERR_INVALID_VALUE',
      `Invalid rollout key: ${show(key)} (must be valid Unicode, without lone surrogates)`,
    );
  }
}

/** Percent to basis points. */
export function checkPercent(percent: unknown, what = 'rollout'): number {
  if (typeof percent !== 'number') {
    throw makeError('ERR_INVALID_TYPE', `Invalid ${what}: ${show(percent)} (must be a percentage, 0-100)`);
  }
  const basisPoints = basisPointsOf(percent);
  if (basisPoints === undefined) {
    throw makeError('ERR_OUT_OF_RANGE', `Invalid ${what}: ${percent} (must be 0-100 percent in steps of 0.01)`);
  }
  return basisPoints;
}

/** The same, or `undefined` for a number that is not 0-100 in steps of 0.01. */
export function basisPointsOf(percent: number): number | undefined {
  // 0.29 * 100 is 28.999999999999996, so the nearest integer is taken if it gives the same number back.
  const basisPoints = Math.round(percent * 100);
  return percent >= 0 && percent <= 100 && basisPoints / 100 === percent ? basisPoints : undefined;
}

/** Basis points to percent. */
export function toPercent(basisPoints: number): number {
  return (basisPoints * 100) / FULL_ROLLOUT;
}
