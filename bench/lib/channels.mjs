// @ts-check
// Ways to tell another party something: a flip that it listens to, a message, a broadcast, Redis.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { PING, PONG } from './spin.mjs';

/**
 * @typedef {import('../../types/index.mjs').ProductionConfig<any>} Config
 * @typedef {import('./peer.mjs').PeerData} PeerData
 *
 * @typedef {object} Peer
 * @property {(message: unknown) => void} post
 * @property {(listener: (message: any) => void) => void} onMessage
 * @property {() => unknown} kill
 *
 * @typedef {object} Channel
 * @property {() => unknown} send
 * @property {() => void} answered called when the other party has answered
 */

const program = new URL('peer.mjs', import.meta.url);

/**
 * @param {PeerData} data
 * @returns {Promise<Peer>} when it is ready
 */
export async function startProcess(data) {
  const child = fork(fileURLToPath(program), [JSON.stringify(data)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  failOnEarlyExit(child);
  await once(child, 'message');
  return {
    post: (message) => void child.send(/** @type {any} */ (message)),
    onMessage: (listener) => void child.on('message', listener),
    kill: () => child.removeAllListeners('exit').kill('SIGKILL'),
  };
}

/**
 * @param {PeerData} data
 * @returns {Promise<Peer>} when it is ready
 */
export async function startThread(data) {
  const worker = new Worker(program, { workerData: data });
  failOnEarlyExit(worker);
  await once(worker, 'message');
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (listener) => void worker.on('message', listener),
    kill: () => worker.removeAllListeners('exit').terminate(),
  };
}

/** @param {NodeJS.EventEmitter} peer */
function failOnEarlyExit(peer) {
  peer.once('exit', (code) => {
    process.stderr.write(`The other party has exited with ${code}\n`);
    process.exit(1);
  });
}

/**
 * @param {Config} config
 * @returns {Channel}
 */
export function changeChannel(config) {
  /** @type {Channel} */
  const channel = { send: () => config.toggleFeature(PING), answered: () => {} };
  config.on('change', (change) => {
    if (hasFlipped(change, PONG)) channel.answered();
  });
  return channel;
}

/**
 * @param {Peer} peer
 * @returns {Channel}
 */
export function messageChannel(peer) {
  /** @type {Channel} */
  const channel = { send: () => peer.post('ping'), answered: () => {} };
  peer.onMessage((message) => {
    if (message === 'pong') channel.answered();
  });
  return channel;
}

/** @returns {Channel} */
export function broadcastChannel() {
  const [pings, pongs] = [PING, PONG].map((name) => new BroadcastChannel(name));
  /** @type {Channel} */
  const channel = { send: () => pings?.postMessage('x'), answered: () => {} };
  pongs?.addEventListener('message', () => channel.answered());
  return channel;
}

/**
 * @param {number} port
 * @returns {Promise<Channel>}
 */
export async function redisChannel(port) {
  const [publisher, subscriber] = await Promise.all([connectRedis(port), connectRedis(port)]);
  /** @type {Channel} */
  const channel = { send: () => publisher.publish(PING, 'x'), answered: () => {} };
  await subscriber.subscribe(PONG, () => channel.answered());
  return channel;
}

/** @param {number} port */
export async function connectRedis(port) {
  // Loaded here, since it takes a while and most parties do without.
  const { createClient } = await import('@redis/client');
  const client = createClient({ socket: { host: '127.0.0.1', port, noDelay: true } });
  await client.connect();
  return client;
}

/**
 * @param {import('../../types/index.mjs').ConfigChange<any>} change
 * @param {string} name
 */
export function hasFlipped({ enabled, disabled }, name) {
  return enabled.includes(name) || disabled.includes(name);
}
