// @ts-check
// Ping-pong between two parties that do nothing but look. The leader turns one feature around and waits until the
// follower has done the same with another; half of that is the way of one flip.
import { now } from './clock.mjs';
import { isShort } from './settings.mjs';

/** @typedef {import('../../types/index.mjs').ProductionConfig<any>} Config */

const SECONDS = isShort ? 0.1 : 1.5;
const WARM_UP_SECONDS = SECONDS / 3;
const MOST_ROUNDS = 500_000;

/** How many times a party looks before it asks whether the other one is still there. */
const PATIENCE = 0xf_ffff;

/** What two parties share: a ping of the leader, a pong of the follower, and the end. */
export const PING = 'debug';
export const PONG = 'verbose';
export const END = 'maintenance_mode';

/**
 * @param {Config} config
 * @returns {number[]} nanoseconds of the rounds, there and back, with one reading of the clock
 */
export function lead(config) {
  return timeRounds(
    (on) => {
      if (on) config.enableFeature(PING);
      else config.disableFeature(PING);
      for (let looks = 1; config.isFeatureEnabled(PONG) !== on; looks += 1) expectAnswer(looks);
    },
    () => config.enableFeature(END),
  );
}

/** @param {Config} config */
export function follow(config) {
  for (let on = true; ; on = !on) {
    for (let looks = 1; config.isFeatureEnabled(PING) !== on; looks += 1) {
      if ((looks & PATIENCE) === 0 && config.isFeatureEnabled(END)) return;
    }
    if (on) config.enableFeature(PONG);
    else config.disableFeature(PONG);
  }
}

/** The same by hand: one word for each direction, in one cache line as in a state page. */
const [PING_WORD, PONG_WORD, END_WORD] = [2, 3, 4];

/** @param {Int32Array} words */
export function leadByHand(words) {
  return timeRounds(
    (on) => {
      const value = Number(on);
      Atomics.store(words, PING_WORD, value);
      for (let looks = 1; Atomics.load(words, PONG_WORD) !== value; looks += 1) expectAnswer(looks);
    },
    () => Atomics.store(words, END_WORD, 1),
  );
}

/** @param {Int32Array} words */
export function followByHand(words) {
  for (let value = 1; ; value = 1 - value) {
    for (let looks = 1; Atomics.load(words, PING_WORD) !== value; looks += 1) {
      if ((looks & PATIENCE) === 0 && Atomics.load(words, END_WORD) === 1) return;
    }
    Atomics.store(words, PONG_WORD, value);
  }
}

/**
 * @param {(on: boolean) => void} round
 * @param {() => void} end
 */
function timeRounds(round, end) {
  /** @type {number[]} */
  let times = [];
  let on = true;
  const start = now();
  let isWarm = false;
  // A busy machine may take longer than that over the first round.
  for (let last = start; (last < start + SECONDS * 1e9 || times.length === 0) && times.length < MOST_ROUNDS;) {
    round(on);
    on = !on;
    const time = now();
    times.push(time - last);
    last = time;
    if (!isWarm && last > start + WARM_UP_SECONDS * 1e9) {
      isWarm = true;
      times = [];
    }
  }
  end();
  return times;
}

/** @param {number} looks */
function expectAnswer(looks) {
  if (looks > 2 ** 31) throw new Error('The other party does not answer');
}
