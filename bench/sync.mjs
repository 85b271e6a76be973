// @ts-check
// From one thread or process to another: how long until a flip is seen, and until a listener is told.
import { spawn } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createProductionConfig } from '../index.mjs';
import { changeChannel, messageChannel, redisChannel, startProcess, startThread } from './lib/channels.mjs';
import { measureWays } from './lib/latency.mjs';
import { startRedis } from './lib/redis.mjs';
import { lead, leadByHand } from './lib/spin.mjs';

/**
 * @typedef {{ p50: number, p99: number }} Figures in nanoseconds, one way
 * @typedef {Record<string, Record<string, Figures>>} Measured by table and contestant
 */

const isBun = process.versions.bun !== undefined;
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);

/** Nanoseconds of one way, between parties that spin. */
const SPIN_GOAL = 250;
/** Of a change to a message between the same two parties. */
const RATIO_GOAL = isBun ? 2.5 : 1.5;

const CHANGE = "flip to `'change'` listener";
const SPIN = 'Spinning, one way';

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
    return spinning('`enableFeature`, `isFeatureEnabled`, two threads', peer, () => lead(config));
  },

  async spinInProcesses() {
    const config = clusterConfig();
    const peer = await startProcess({ task: 'spin', handle: handleFor(config) });
    return spinning('the same, two processes', peer, () => lead(config));
  },

  async processes(redisPort) {
    const config = clusterConfig();
    const peer = await startProcess({ task: 'answer', handle: handleFor(config), ...(redisPort && { redisPort }) });
    return telling('Another process is told', peer, {
      '`process.send`': messageChannel(peer),
      [CHANGE]: changeChannel(config),
      ...(redisPort && { 'Redis `publish` to `subscribe`': await redisChannel(redisPort) }),
    });
  },

  async threads() {
    const config = createProductionConfig();
    const peer = await startThread({ task: 'answer', handle: config.share() });
    return telling('Another thread is told', peer, {
      '`postMessage`': messageChannel(peer),
      [CHANGE]: changeChannel(config),
    });
  },
};

const [name, redisPort] = process.argv.slice(2);
if (name !== undefined) {
  const measured = await measurements[name]?.(redisPort === undefined ? undefined : Number(redisPort));
  process.stdout.write(JSON.stringify(measured), () => process.exit());
} else {
  await main();
}

async function main() {
  const redis = await startRedis();
  /** @type {Map<string, Map<string, Figures[]>>} */
  const tables = new Map();
  for (let round = 0; round < rounds; round += 1) {
    for (const measurement of Object.keys(measurements)) {
      for (const [title, contestants] of Object.entries(await measureApart(measurement, redis?.port))) {
        for (const [contestant, figures] of Object.entries(contestants)) addTo(tables, title, contestant, figures);
      }
    }
  }
  redis?.stop();
  const load = loadavg()[0]?.toFixed(1);
  for (const [title, contestants] of tables) printTable(title, contestants);
  print(`Load average at the end: ${load}. Two parties that spin need two cores.`);
  if (!redis) print('**Redis was not compared: there is no `redis-server` here.**');
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
  return Object.fromEntries(Object.entries(results).map(([pace, ways]) => [
    `${title}, ${pace}`,
    Object.fromEntries(Object.entries(ways).map(([contestant, times]) => [contestant, figuresOf(times)])),
  ]));
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
 * @param {Map<string, Map<string, Figures[]>>} tables
 * @param {string} title
 * @param {string} contestant
 * @param {Figures} figures
 */
function addTo(tables, title, contestant, figures) {
  const table = tables.get(title) ?? new Map();
  table.set(contestant, [...(table.get(contestant) ?? []), figures]);
  tables.set(title, table);
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
    child.stdout.setEncoding('utf8').on('data', (text) => { output += text; });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(`${measurement} ended with ${signal ?? code}`));
    });
  });
}

/**
 * @param {string} title
 * @param {Map<string, Figures[]>} contestants
 */
function printTable(title, contestants) {
  const rows = [...contestants].map(([contestant, figures]) => {
    const p50s = figures.map(({ p50 }) => p50);
    return { contestant, p50: median(p50s), fastest: Math.min(...p50s), slowest: Math.max(...p50s), p99: median(figures.map(({ p99 }) => p99)) };
  });
  const baseline = rows[0]?.p50 ?? Number.NaN;
  print(`| ${title} | p50, median of ${rounds} | fastest to slowest | p99 | ratio |\n|---|--:|--:|--:|--:|\n${rows.map(
    ({ contestant, p50, fastest, slowest, p99 }) =>
      `| ${contestant} | ${duration(p50)} | ${duration(fastest)} to ${duration(slowest)} | ${duration(p99)} | ${(p50 / baseline).toFixed(2)} |`,
  ).join('\n')}`);
  const goals = title === SPIN
    ? rows.slice(1).map(({ contestant, p50 }) => verdict(`${contestant}: at most ${SPIN_GOAL} ns`, p50, SPIN_GOAL))
    : goalsOfTelling(rows);
  print(goals.map((goal) => `- Goal, ${goal}`).join('\n'));
}

/** @param {{ contestant: string, p50: number }[]} rows */
function goalsOfTelling([message, change, redis]) {
  if (!message || !change) return [];
  const goals = [verdict(`a change at most ${RATIO_GOAL} × ${message.contestant}`, change.p50 / message.p50, RATIO_GOAL)];
  if (redis) goals.push(verdict('a change faster than Redis', change.p50 / redis.p50, 1));
  return goals;
}

/**
 * @param {string} goal
 * @param {number} figure
 * @param {number} limit
 */
function verdict(goal, figure, limit) {
  if (figure <= limit) return `${goal}: met`;
  return `${goal}: **missed by ${Math.ceil((figure / limit - 1) * 100)} %**`;
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** @param {number} nanoseconds */
function duration(nanoseconds) {
  return nanoseconds >= 1e3 ? `${(nanoseconds / 1e3).toFixed(1)} µs` : `${nanoseconds.toFixed(0)} ns`;
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`\n${text}\n`);
}
