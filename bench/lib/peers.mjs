// @ts-check
// What a user would pick instead, by the calls that each has. How each is set up, and why that is its best use, stands in
// its module; none is loaded before it is measured.
import {
  asking,
  askingAsync,
  askingForOne,
  askingForOneAsync,
  askingForUsers,
  askingForUsersAsync,
  flipping,
  flippingAsync,
} from './loops.mjs';
import { OWN } from './peers/sqlite.mjs';
import { hasRedis } from './redis.mjs';

/**
 * @typedef {object} Access to the flags of `flags.mjs`
 * @property {(name: string) => any} isOn
 * @property {() => any} isDebugOn the same with a constant name
 * @property {(key: string) => any} [toUser] what `isOnFor` takes
 * @property {(user: any) => any} [isOnFor]
 * @property {(on: boolean) => any} [set] turns `debug` on or off in memory
 * @property {(on: boolean) => any} [setDurably] the same, on disk when it returns
 *
 * @typedef {object} Peer
 * @property {string} name
 * @property {'flags' | 'configuration' | 'database'} kind
 * @property {() => Promise<Access>} open
 * @property {boolean} [isAsync] answers are promises
 * @property {boolean} [isWriteAsync]
 * @property {string} [isOn] the call that asks for a flag; each of these as a table shows it
 * @property {string} [isOnFor]
 * @property {string} [set]
 * @property {string} [setDurably]
 */

/** @type {Peer} */
const REDIS = {
  name: 'Redis',
  kind: 'database',
  open: async () => (await import('./peers/redis.mjs')).open(),
  isAsync: true,
  isOn: 'await get(name)',
};

/** @type {Peer[]} */
export const peers = [
  {
    name: 'unleash-client',
    kind: 'flags',
    open: async () => (await import('./peers/unleash-client.mjs')).open(),
    isOn: 'isEnabled(name)',
    isOnFor: 'isEnabled(name, { userId })',
  },
  {
    name: 'GrowthBook',
    kind: 'flags',
    open: async () => (await import('./peers/growthbook.mjs')).open(),
    isWriteAsync: true,
    isOn: 'isOn(name, context)',
    isOnFor: 'isOn(name, context)',
    set: 'await setPayload(features)',
  },
  {
    name: 'LaunchDarkly',
    kind: 'flags',
    open: async () => (await import('./peers/launchdarkly.mjs')).open(),
    isAsync: true,
    isWriteAsync: true,
    isOn: 'await boolVariation(name, context, false)',
    isOnFor: 'await boolVariation(name, context, false)',
    set: 'await testData.update(flag)',
  },
  {
    name: 'OpenFeature, in-memory provider',
    kind: 'flags',
    open: async () => (await import('./peers/openfeature.mjs')).open(),
    isAsync: true,
    isWriteAsync: true,
    isOn: 'await getBooleanValue(name, false)',
    set: 'await putConfiguration(flags)',
  },
  {
    name: 'config',
    kind: 'configuration',
    open: async () => (await import('./peers/config.mjs')).open(),
    isOn: 'get(path)',
  },
  {
    name: 'convict',
    kind: 'configuration',
    open: async () => (await import('./peers/convict.mjs')).open(),
    isOn: 'get(name)',
    set: 'set(name, on)',
  },
  {
    name: 'conf, with its cache',
    kind: 'configuration',
    open: async () => (await import('./peers/conf.mjs')).open(),
    isOn: 'get(name)',
    setDurably: 'set(name, on)',
  },
  {
    name: 'lmdb',
    kind: 'database',
    open: async () => (await import('./peers/lmdb.mjs')).open(),
    isWriteAsync: true,
    isOn: 'get(name)',
    setDurably: 'await put(name, on), await flushed',
  },
  {
    name: 'lmdb, bytes',
    kind: 'database',
    open: async () => (await import('./peers/lmdb.mjs')).openBytes(),
    isOn: 'getBinaryFast(name)',
  },
  {
    name: 'lmdb, with its cache of one thread',
    kind: 'database',
    open: async () => (await import('./peers/lmdb.mjs')).open({ cache: true }),
    isOn: 'get(name)',
  },
  {
    name: 'lmdb, noSync',
    kind: 'database',
    open: async () => (await import('./peers/lmdb.mjs')).open({ noSync: true }),
    set: 'putSync(name, on)',
  },
  {
    name: OWN,
    kind: 'database',
    open: async () => (await import('./peers/sqlite.mjs')).openOwn(),
    isOn: 'get(name)',
    setDurably: 'run(on)',
  },
  {
    name: 'better-sqlite3',
    kind: 'database',
    open: async () => (await import('./peers/sqlite.mjs')).openBetter(),
    isOn: 'get(name)',
    setDurably: 'run(on)',
  },
  {
    name: `${OWN}, in memory`,
    kind: 'database',
    open: async () => (await import('./peers/sqlite.mjs')).openOwn({ inMemory: true }),
    set: 'run(on)',
  },
  {
    name: 'better-sqlite3, in memory',
    kind: 'database',
    open: async () => (await import('./peers/sqlite.mjs')).openBetter({ inMemory: true }),
    set: 'run(on)',
  },
  // Not everywhere.
  ...(hasRedis() ? [REDIS] : []),
];

/** @typedef {'isOn' | 'isOnFor' | 'set' | 'setDurably'} Call */

/**
 * @param {Call} call
 * @param {(peer: Peer) => boolean} [filter]
 * @returns {string[]} the contestants that have the call, as tables name them
 */
export function namesOf(call, filter = () => true) {
  return peers.filter((peer) => peer[call] !== undefined && filter(peer)).map((peer) => nameOf(peer, call));
}

/**
 * @param {Peer} peer
 * @param {Call} call
 */
const nameOf = (peer, call) => `${peer.name}: \`${peer[call]}\``;

/**
 * @param {Call} call
 * @param {(peer: Peer) => import('./compare.mjs').SetUp} toSetUp
 * @returns {Record<string, import('./compare.mjs').SetUp>}
 */
function contestants(call, toSetUp) {
  return Object.fromEntries(
    peers.filter((peer) => peer[call] !== undefined).map((peer) => [nameOf(peer, call), toSetUp(peer)]),
  );
}

/** Contestants that are asked for one flag after the other. */
export const readers = () =>
  contestants('isOn', ({ open, isAsync }) => async () => {
    const { isOn } = await open();
    return isAsync ? askingAsync(isOn) : asking(isOn);
  });

/** Contestants that are asked for one flag, by a constant name. */
export const readersOfOne = () =>
  contestants('isOn', ({ open, isAsync }) => async () => {
    const { isDebugOn } = await open();
    return isAsync ? askingForOneAsync(isDebugOn) : askingForOne(isDebugOn);
  });

/** Contestants that have rollouts. */
export const readersForUsers = () =>
  contestants('isOnFor', ({ name, open, isAsync }) => async () => {
    const { isOnFor, toUser } = await open();
    if (!isOnFor || !toUser) throw new Error(`${name} has no rollouts`);
    return isAsync ? askingForUsersAsync(isOnFor, toUser) : askingForUsers(isOnFor, toUser);
  });

/** Contestants whose flags can be flipped in memory. */
export const writers = () =>
  contestants('set', ({ name, open, isWriteAsync }) => async () => {
    const { set, isDebugOn } = await open();
    if (!set) throw new Error(`${name} cannot set flags`);
    return isWriteAsync ? flippingAsync(set, isDebugOn) : flipping(set, isDebugOn);
  });

/** Contestants that keep a flag through a power loss. */
export const durableWriters = () =>
  contestants('setDurably', ({ name, open }) => async () => {
    const { setDurably, isDebugOn } = await open();
    if (!setDurably) throw new Error(`${name} cannot keep flags`);
    return flippingAsync(async (on) => setDurably(on), isDebugOn, 2);
  });
