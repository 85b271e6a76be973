// @ts-check
// What is timed: loops that ask contestants for flags or flip one, each checked before.
import assert from 'node:assert/strict';
import { isOn, keys, names, PERCENT } from './flags.mjs';
import { isShort } from './settings.mjs';

/** Calls of one measured function, so that the loop around it costs nothing that shows. */
export const OPERATIONS = isShort ? 64 : 1024;

/**
 * Asks for the flags in turn.
 *
 * @param {(name: string) => boolean} ask
 * @returns {import('./compare.mjs').Subject}
 */
export function asking(ask) {
  for (const name of names) assert.equal(ask(name), isOn(name), name);
  return {
    operations: OPERATIONS,
    expected: OPERATIONS / 4,
    run() {
      let on = 0;
      for (let i = 0; i < OPERATIONS; i += 1) if (ask(/** @type {string} */ (names[i & 7]))) on += 1;
      return on;
    },
  };
}

/**
 * @param {(name: string) => Promise<boolean>} ask
 * @returns {Promise<import('./compare.mjs').Subject>}
 */
export async function askingAsync(ask) {
  for (const name of names) assert.equal(await ask(name), isOn(name), name);
  return {
    operations: OPERATIONS,
    expected: OPERATIONS / 4,
    async run() {
      let on = 0;
      for (let i = 0; i < OPERATIONS; i += 1) if (await ask(/** @type {string} */ (names[i & 7]))) on += 1;
      return on;
    },
  };
}

/**
 * Asks for one flag whose name the program knows when it is compiled.
 *
 * @param {() => boolean} ask for `debug`
 * @returns {import('./compare.mjs').Subject}
 */
export function askingForOne(ask) {
  return {
    operations: OPERATIONS,
    expected: OPERATIONS,
    run() {
      let on = 0;
      for (let i = 0; i < OPERATIONS; i += 1) if (ask()) on += 1;
      return on;
    },
  };
}

/**
 * @param {() => Promise<boolean>} ask for `debug`
 * @returns {import('./compare.mjs').Subject}
 */
export function askingForOneAsync(ask) {
  return {
    operations: OPERATIONS,
    expected: OPERATIONS,
    async run() {
      let on = 0;
      for (let i = 0; i < OPERATIONS; i += 1) if (await ask()) on += 1;
      return on;
    },
  };
}

/**
 * Asks for the flag with a rollout, for one user after the other.
 *
 * @template User
 * @param {(user: User) => boolean} ask
 * @param {(key: string) => User} toUser what the library wants to know about a user, made beforehand
 * @returns {import('./compare.mjs').Subject}
 */
export function askingForUsers(ask, toUser) {
  checkShare(manyKeys().filter((key) => ask(toUser(key))).length);
  const users = keys.map(toUser);
  const expected = users.filter((user) => ask(user)).length * (OPERATIONS / users.length);
  return {
    operations: OPERATIONS,
    expected,
    run() {
      let on = 0;
      for (let i = 0; i < OPERATIONS; i += 1) if (ask(/** @type {User} */ (users[i & 7]))) on += 1;
      return on;
    },
  };
}

/**
 * @template User
 * @param {(user: User) => Promise<boolean>} ask
 * @param {(key: string) => User} toUser
 * @returns {Promise<import('./compare.mjs').Subject>}
 */
export async function askingForUsersAsync(ask, toUser) {
  checkShare((await Promise.all(manyKeys().map((key) => ask(toUser(key))))).filter(Boolean).length);
  const users = keys.map(toUser);
  const answers = await Promise.all(users.map((user) => ask(user)));
  return {
    operations: OPERATIONS,
    expected: answers.filter(Boolean).length * (OPERATIONS / users.length),
    async run() {
      let on = 0;
      for (let i = 0; i < OPERATIONS; i += 1) if (await ask(/** @type {User} */ (users[i & 7]))) on += 1;
      return on;
    },
  };
}

const MANY = 2000;
const manyKeys = () => Array.from({ length: MANY }, (_, i) => `user-${String(i).padStart(11, '0')}`);

/**
 * A rollout that does not roll out would be fast. Each library has its own buckets, so only their share is known.
 *
 * @param {number} on
 */
function checkShare(on) {
  const expected = (MANY * PERCENT) / 100;
  // Five standard deviations.
  assert.ok(Math.abs(on - expected) < 5 * Math.sqrt(MANY / 4), `${on} of ${MANY} users have a flag for ${PERCENT} %`);
}

/**
 * Turns one flag on and off in turn.
 *
 * @param {(on: boolean) => void} set
 * @param {() => boolean} ask
 * @returns {import('./compare.mjs').Subject}
 */
export function flipping(set, ask) {
  for (const on of [true, false, true]) {
    set(on);
    assert.equal(ask(), on);
  }
  return {
    operations: OPERATIONS,
    expected: false,
    run() {
      for (let i = 0; i < OPERATIONS; i += 1) set((i & 1) === 0);
      return ask();
    },
  };
}

/**
 * @param {(on: boolean) => Promise<unknown>} set
 * @param {() => boolean | Promise<boolean>} ask
 * @param {number} [operations] even
 * @returns {Promise<import('./compare.mjs').Subject>}
 */
export async function flippingAsync(set, ask, operations = OPERATIONS) {
  for (const on of [true, false, true]) {
    await set(on);
    assert.equal(await ask(), on);
  }
  return {
    operations,
    expected: false,
    async run() {
      for (let i = 0; i < operations; i += 1) await set((i & 1) === 0);
      return ask();
    },
  };
}
