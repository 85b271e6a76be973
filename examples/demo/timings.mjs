import { statfsSync } from 'node:fs';
import { arch, cpus, platform, release } from 'node:os';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { check, duration, say, table } from './terminal.mjs';

/** @typedef {import('13byte-config').ProductionConfig} Config */
/** @typedef {[operation: string, time: string, aim: string, how: string]} Row */

const batches = 101;
const batchMs = 1;
const warmUpMs = 150;
const durablePersists = 200;
const concurrentPersists = 1000;

/**
 * Measures the operations on this machine, beside the cheapest thing that could possibly do the job.
 *
 * @param {string} directory
 */
export async function timings(directory) {
  const config = createProductionConfig({ persistPath: join(directory, 'timings.db'), environment: 'production' });
  const rows = [...inMemory(config), ...(await onDisk(config))];
  say(machine(directory));
  table(
    [
      { title: 'operation', style: 'bold' },
      { title: 'time', align: 'right', style: 'green' },
      { title: 'aimed at', align: 'right' },
      { title: 'measured as', style: 'dim' },
    ],
    rows,
  );
  const history = await config.getHistory(1);
  check(
    history[0]?.revision === durablePersists + concurrentPersists,
    `all ${durablePersists + concurrentPersists} revisions of this measurement are in the history`,
  );
  await config.close();
}

/**
 * @param {Config} config
 * @returns {Row[]}
 */
function inMemory(config) {
  const word = new Int32Array(new SharedArrayBuffer(4));
  // Each loop is a function of its own, so that the engine compiles it as it would compile a program's own loop.
  const [load, read, flip, update, sameView, newView] = measure([
    (count) => {
      let sum = 0;
      for (let i = 0; i < count; i += 1) sum += Atomics.load(word, 0);
      return sum;
    },
    (count) => {
      let sum = 0;
      for (let i = 0; i < count; i += 1) sum += config.isFeatureEnabled('debug') ? 1 : 0;
      return sum;
    },
    (count) => {
      for (let i = 0; i < count; i += 2) {
        config.enableFeature('debug');
        config.disableFeature('debug');
      }
      return count;
    },
    (count) => {
      for (let i = 0; i < count; i += 1) {
        config.update((draft) => {
          draft.set('metrics', (i & 1) === 0);
          draft.set('caching', (i & 1) === 1);
        });
      }
      return count;
    },
    (count) => {
      let sum = 0;
      for (let i = 0; i < count; i += 1) sum += config.getDebugView().generation & 1;
      return sum;
    },
    (count) => {
      let sum = 0;
      for (let i = 0; i < count; i += 1) {
        config.toggleFeature('debug');
        sum += config.getDebugView().generation & 1;
      }
      return sum;
    },
  ]).map(duration);

  return [
    ['raw Atomics.load', load, '', 'the floor: one atomic read'],
    ['isFeatureEnabled', read, '38 ns', 'by name'],
    ['enableFeature, disableFeature', flip, '42-45 ns', 'each one changes something'],
    ['update', update, '', 'two features at once'],
    ['getDebugView', sameView, '487 ns', 'nothing has changed'],
    ['toggleFeature and getDebugView', newView, '487 ns', 'a new view each time'],
  ].map(([operation = '', time = '', aim = '', how = '']) => [operation, time, aim, how]);
}

/**
 * @param {Config} config
 * @returns {Promise<Row[]>}
 */
async function onDisk(config) {
  /** @type {number[]} */
  const times = [];
  for (let i = 0; i < durablePersists; i += 1) {
    config.toggleFeature('debug');
    const start = performance.now();
    await config.persist('update');
    times.push((performance.now() - start) * 1_000_000);
  }
  times.sort((a, b) => a - b);

  const start = performance.now();
  await Promise.all(Array.from({ length: concurrentPersists }, () => config.persist('update')));
  const together = (performance.now() - start) * 1_000_000;

  const startReading = performance.now();
  await config.getHistory(50);
  const reading = (performance.now() - startReading) * 1_000_000;

  return [
    [
      'persist, median',
      duration(times[durablePersists >> 1] ?? 0),
      '1.2 ms',
      `${durablePersists} one by one, each synced to disk`,
    ],
    ['persist, 99th percentile', duration(times[Math.floor(durablePersists * 0.99)] ?? 0), '', ''],
    [
      `${concurrentPersists.toLocaleString('en')} persists at once`,
      duration(together),
      '',
      `all together; ${duration(together / concurrentPersists)} each`,
    ],
    ['getHistory(50)', duration(reading), '', 'once'],
  ];
}

/** Keeps the engine from leaving out work whose result nobody uses. */
let sink = 0;

/** @typedef {(count: number) => number} Loop does something `count` times */

/**
 * Nanoseconds for one repetition of each loop: the median of many short batches. The loops take turns, so that
 * whatever else the machine does hits all of them alike.
 *
 * @param {readonly Loop[]} loops
 */
function measure(loops) {
  const counts = loops.map(warmUp);
  /** @type {number[][]} */
  const results = loops.map(() => []);
  for (let batch = 0; batch < batches; batch += 1) {
    loops.forEach((loop, index) => {
      const count = counts[index] ?? 1;
      results[index]?.push((elapsed(loop, count) / count) * 1_000_000);
    });
  }
  return results.map((times) => times.toSorted((a, b) => a - b)[batches >> 1] ?? 0);
}

/**
 * Runs a loop until it is compiled, and finds out how many repetitions make a batch.
 *
 * @param {Loop} loop
 */
function warmUp(loop) {
  const end = performance.now() + warmUpMs;
  let count = 100;
  while (performance.now() < end) {
    if (elapsed(loop, count) < batchMs) count *= 2;
  }
  return count;
}

/**
 * @param {Loop} loop
 * @param {number} count
 */
function elapsed(loop, count) {
  const start = performance.now();
  sink += loop(count);
  return performance.now() - start;
}

/** @param {string} directory */
function machine(directory) {
  const processors = cpus();
  const runtime = process.versions.bun ? `Bun ${process.versions.bun}` : `Node ${process.versions.node}`;
  const model = processors[0]?.model.trim() ?? 'an unknown processor';
  return `${runtime} on ${model} (${processors.length} threads, ${arch()}), ${platform()} ${release()}.${memoryFileSystem(directory)} In-memory figures are medians of ${batches} batches. Read them all as orders of magnitude.`;
}

/**
 * A sync to disk costs nothing where there is no disk, which has to be said.
 *
 * @param {string} directory
 */
function memoryFileSystem(directory) {
  const tmpfs = 0x01021994;
  return statfsSync(directory).type === tmpfs
    ? ' The temporary directory is in memory (tmpfs), so syncing to disk costs nothing here.'
    : '';
}
