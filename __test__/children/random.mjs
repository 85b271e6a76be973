/**
 * Random choices that the seed repeats.
 *
 * @param {number} seed
 */
export function makeRandom(seed) {
  let state = seed;
  // mulberry32
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (/** @type {number} */ end) => Math.floor(random() * end);
  return {
    below,
    chance: (/** @type {number} */ part) => random() < part,
    pick: (/** @type {readonly any[]} */ list) => list[below(list.length)],
  };
}

/** A failure has to print it. */
export function anySeed() {
  return Math.floor(Math.random() * 2 ** 31);
}
