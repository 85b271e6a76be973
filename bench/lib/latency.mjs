// @ts-check
// How long it takes until the other party knows. Each of the channels is used in turn, in short blocks, so that what
// else the machine does meanwhile hits all of them.
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from './clock.mjs';
import { isShort } from './settings.mjs';

/**
 * @typedef {import('./channels.mjs').Channel} Channel
 * @typedef {import('./channels.mjs').Peer} Peer
 * @typedef {Record<string, number[]>} Ways nanoseconds of one way, by channel
 */

const BLOCKS = isShort ? 1 : 6;

/** Between the rounds: nothing, or a rest in which both parties fall asleep. */
const PACES = [
  { pace: 'one after the other', rounds: isShort ? 40 : 400, restMs: 0 },
  { pace: 'after 1 ms of rest', rounds: isShort ? 10 : 100, restMs: 1 },
];

/**
 * @param {Peer} peer
 * @param {Record<string, Channel>} channels
 * @returns {Promise<Record<string, Ways>>} by pace
 */
export async function measureWays(peer, channels) {
  const collect = collector(peer);
  /** @type {Record<string, Ways>} */
  const results = {};
  for (const { pace } of PACES) results[pace] = Object.fromEntries(Object.keys(channels).map((name) => [name, []]));
  // The first block is to warm up.
  for (let block = 0; block <= BLOCKS; block += 1) {
    for (const { pace, rounds, restMs } of PACES) {
      for (const [name, channel] of Object.entries(channels)) {
        const ways = await measureBlock(collect, channel, rounds, restMs);
        if (block > 0) results[pace]?.[name]?.push(...ways);
      }
    }
  }
  return results;
}

/**
 * @param {() => Promise<number[]>} collect
 * @param {Channel} channel
 * @param {number} rounds
 * @param {number} restMs
 */
async function measureBlock(collect, channel, rounds, restMs) {
  /** @type {number[]} */
  const sent = [];
  /** @type {number[]} */
  const answered = [];
  for (let round = 0; round < rounds; round += 1) {
    if (restMs > 0) await sleep(restMs);
    await new Promise((resolve) => {
      channel.answered = () => {
        answered.push(now());
        resolve(undefined);
      };
      sent.push(now());
      channel.send();
    });
  }
  const arrived = await collect();
  return sent.map((time, round) => {
    const arrival = arrived[round] ?? Number.NaN;
    // Otherwise the two parties do not have the same clock, or have lost or repeated a message.
    if (!(time <= arrival && arrival <= (answered[round] ?? 0) && arrived.length === rounds)) {
      throw new Error(
        `Round ${round} of ${rounds}: sent at ${time}, arrived at ${arrival}, answered at ${answered[round]}`,
      );
    }
    return arrival - time;
  });
}

/**
 * Asks the other party when each message arrived since it was last asked.
 *
 * @param {Peer} peer
 * @returns {() => Promise<number[]>}
 */
function collector(peer) {
  /** @type {((arrivals: number[]) => void) | undefined} */
  let collected;
  peer.onMessage((message) => {
    if (Array.isArray(message)) collected?.(message);
  });
  return () =>
    new Promise((resolve) => {
      collected = resolve;
      peer.post('collect');
    });
}
