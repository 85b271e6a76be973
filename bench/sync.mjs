// @ts-check
// From one thread or process to another: how long until a flip is seen, and until a listener is told.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createProductionConfig } from '../types/index.mjs';
import {
  broadcastChannel,
  changeChannel,
  messageChannel,
  redisChannel,
  startProcess,
  startThread,
} from './lib/channels.mjs';
import { figure, ratio } from './lib/judge.mjs';
import { measureWays } from './lib/latency.mjs';
import { startRedis } from './lib/redis.mjs';
import { report } from './lib/report.mjs';
import { rounds } from './lib/settings.mjs';
import { lead, leadByHand } from './lib/spin.mjs';

/**
 * @typedef {{ p50: number, p99: number }} Figures in nanoseconds, one way
 * @typedef {Record<string, Record<string, Figures>>} Measured by table and contestant
 */

const CHANGE = "flip to `'change'` listener";
const PROCESS_MESSAGE = '`process.send`';
const THREAD_MESSAGE = '`postMessage`';
const REDIS = 'Redis `publish` to `subscribe`';
const SPIN = 'Spinning, one way';
const SPIN_THREADS = '`enableFeature`, `isFeatureEnabled`, two threads';
const SPIN_PROCESSES = 'the same, two processes';

/** @type {Record<string, (redisPort: number | undefined) => Promise<Measured>>} */
const measurements = {
  async spinByHand() {
    const words = new Int32Array(new SharedArrayBuffer(128));
    const peer = await startThread({ task: 'spin', words });
    return spinning('by hand: `Atomics`, two threads', peer, () => leadByHand(words));
  },

  async spinInThreads() {
    const config = createProductionConfig();
    const peer = await startThread({ task: 'spin', handle: config.share() });
    return spinning(SPIN_THREADS, peer, () => lead(config));
  },

  async spinInProcesses() {
    const config = clusterConfig();
    const peer = await startProcess({ task: 'spin', handle: handleFor(config) });
    return spinning(SPIN_PROCESSES, peer, () => lead(config));
  },

  async processes(redisPort) {
    const config = clusterConfig();
    const peer = await startProcess({ task: 'answer', handle: handleFor(config), ...(redisPort && { redisPort }) });
    return telling('Another process is told', peer, {
      [PROCESS_MESSAGE]: messageChannel(peer),
      [CHANGE]: changeChannel(config),
      ...(redisPort && { [REDIS]: await redisChannel(redisPort) }),
    });
  },

  async threads() {
    const config = createProductionConfig();
    const peer = await startThread({ task: 'answer', handle: config.share() });
    return telling('Another thread is told', peer, {
      [THREAD_MESSAGE]: messageChannel(peer),
      [CHANGE]: changeChannel(config),
      '`BroadcastChannel`': broadcastChannel(),
    });
  },
};

const [task, redisPort] = process.argv.slice(2);
if (task !== undefined) {
  const measured = await measurements[task]?.(redisPort === undefined ? undefined : Number(redisPort));
  process.stdout.write(JSON.stringify(measured), () => process.exit());
} else {
  await main();
}

async function main() {
  const redis = await startRedis();
  /** @type {Map<string, import('./lib/report.mjs').Row[]>} */
  const tables = new Map();
  for (let round = 0; round < rounds; round += 1) {
    for (const measurement of Object.keys(measurements)) {
      for (const [title, contestants] of Object.entries(await measureApart(measurement, redis?.port))) {
        for (const [contestant, figures] of Object.entries(contestants)) addTo(tables, title, contestant, figures);
      }
    }
  }
  redis?.stop();
  report(
    [...tables].map(([title, rows]) => ({
      title,
      unit: 'ns',
      rows,
      goals: goalsOf(rows).map((judge) => judge(rows)),
      notes:
        redis || !title.includes('process') ? [] : ['**Redis was not compared: there is no `redis-server` here.**'],
    })),
  );
}

function clusterConfig() {
  return createProductionConfig({ enableClusterSync: true, clusterName: `bench-sync-${process.pid}` });
}

/** @param {ReturnType<typeof clusterConfig>} config */
function handleFor(config) {
  const { buffer: _, ...handle } = config.share();
  return handle;
}

/**
 * @param {string} contestant
 * @param {import('./lib/channels.mjs').Peer} peer
 * @param {() => number[]} measure
 */
function spinning(contestant, peer, measure) {
  const times = measure();
  peer.kill();
  return { [SPIN]: { [contestant]: figuresOf(times.map((time) => time / 2)) } };
}

/**
 * @param {string} title
 * @param {import('./lib/channels.mjs').Peer} peer
 * @param {Record<string, import('./lib/channels.mjs').Channel>} channels
 */
async function telling(title, peer, channels) {
  const results = await measureWays(peer, channels);
  peer.kill();
  return Object.fromEntries(
    Object.entries(results).map(([pace, ways]) => [
      `${title}, ${pace}`,
      Object.fromEntries(Object.entries(ways).map(([contestant, times]) => [contestant, figuresOf(times)])),
    ]),
  );
}

/**
 * @param {number[]} times
 * @returns {Figures}
 */
function figuresOf(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (/** @type {number} */ part) => sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

/**
 * @param {Map<string, import('./lib/report.mjs').Row[]>} tables
 * @param {string} title
 * @param {string} contestant
 * @param {Figures} figures
 */
function addTo(tables, title, contestant, { p50, p99 }) {
  const rows = tables.get(title) ?? [];
  tables.set(title, rows);
  let row = rows.find(({ name }) => name === contestant);
  if (!row) rows.push((row = { name: contestant, values: [], p99: [] }));
  row.values.push(p50);
  row.p99?.push(p99);
}

/**
 * @param {string} measurement
 * @param {number | undefined} port of Redis
 * @returns {Promise<Measured>}
 */
function measureApart(measurement, port) {
  return new Promise((resolve, reject) => {
    const args = [fileURLToPath(import.meta.url), measurement, ...(port === undefined ? [] : [String(port)])];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), 120_000);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(`${measurement} ended with ${signal ?? code}`));
    });
  });
}

/**
 * @param {import('./lib/report.mjs').Row[]} rows
 * @returns {import('./lib/judge.mjs').Judgement[]} by what was measured
 */
function goalsOf(rows) {
  const has = (/** @type {string} */ name) => rows.some((row) => row.name === name);
  return [
    ...(has(SPIN_THREADS) ? [figure('spinThreads', SPIN_THREADS)] : []),
    ...(has(SPIN_PROCESSES) ? [figure('spinProcesses', SPIN_PROCESSES)] : []),
    ...(has(PROCESS_MESSAGE) ? [ratio('toldProcess', CHANGE, PROCESS_MESSAGE)] : []),
    ...(has(REDIS) ? [ratio('toldRedis', CHANGE, REDIS)] : []),
    ...(has(THREAD_MESSAGE) ? [ratio('toldThread', CHANGE, THREAD_MESSAGE)] : []),
  ];
}
