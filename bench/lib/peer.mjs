// @ts-check
// The other party of `sync.mjs`: a process, or a thread.
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { attachConfig } from '../../types/index.mjs';
import { now } from './clock.mjs';
import { connectRedis, hasFlipped } from './channels.mjs';
import { follow, followByHand, PING, PONG } from './spin.mjs';

/**
 * @typedef {object} PeerData
 * @property {'spin' | 'answer'} task
 * @property {import('../../types/index.mjs').ConfigHandle} [handle]
 * @property {Int32Array} [words] instead of a config
 * @property {number} [redisPort]
 */

/** @type {PeerData} */
const { task, handle, words, redisPort } = isMainThread ? JSON.parse(process.argv[2] ?? '') : workerData;

const post = isMainThread
  ? (/** @type {unknown} */ message) => void process.send?.(message)
  : (/** @type {unknown} */ message) => parentPort?.postMessage(message);

/** @param {(message: any) => void} listener */
const onMessage = (listener) => void (isMainThread ? process : parentPort)?.on('message', listener);

if (task === 'spin') {
  post('ready');
  if (words) followByHand(words);
  else if (handle) follow(attachConfig(handle));
  process.exit();
}
await answer();

/** Notes when each message arrives, and answers it the same way. */
async function answer() {
  /** @type {number[]} */
  let arrivals = [];
  if (!handle) throw new Error('No handle');
  const config = attachConfig(handle);
  config.on('change', (change) => {
    const time = now();
    if (!hasFlipped(change, PING)) return;
    arrivals.push(time);
    config.toggleFeature(PONG);
  });
  if (!isMainThread) {
    const [pings, pongs] = [PING, PONG].map((name) => new BroadcastChannel(name));
    pings?.addEventListener('message', () => {
      arrivals.push(now());
      pongs?.postMessage('x');
    });
  }
  if (redisPort !== undefined) {
    const [publisher, subscriber] = await Promise.all([connectRedis(redisPort), connectRedis(redisPort)]);
    await subscriber.subscribe(PING, () => {
      arrivals.push(now());
      void publisher.publish(PONG, 'x');
    });
  }
  onMessage((message) => {
    const time = now();
    if (message === 'ping') {
      arrivals.push(time);
      post('pong');
    } else {
      post(arrivals);
      arrivals = [];
    }
  });
  post('ready');
}
