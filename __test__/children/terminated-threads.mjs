// Starts threads one after the other that attach, read, write and persist, and terminates each at a random moment of
// that. Says what it cost: regions of the live file that stay mapped, open files, and resident memory.
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { attachConfig, createProductionConfig } from '13byte-config';
import { collectGarbage } from './collect-garbage.mjs';

const FEATURES = ['a', 'b', 'c', 'd'];
const STAGES = ['created', 'started', 'attached', 'flipping', 'persisting', 'went on'];

if (isMainThread) {
  const { persistPath, rounds } = JSON.parse(process.argv[2]);
  const options = { persistPath, enableClusterSync: true, features: FEATURES };
  let config = createProductionConfig(options);
  const alone = createProductionConfig({ features: FEATURES });
  const stages = {};
  // The first ones load what every later one uses, too.
  const warmUp = Math.max(10, rounds / 10);
  for (let round = 0; round < warmUp; round += 1) await oneThread(config, alone, {});
  const before = await measure();
  for (let round = 0; round < rounds; round += 1) await oneThread(config, alone, stages);
  // A thread that is terminated may still be on its way out.
  let after = await measure();
  for (
    let look = 0;
    look < 100 && (after.threads > before.threads || after.open.length > before.open.length);
    look += 1
  )
    after = await measure();

  config.featureFlags = 0b0101;
  const entry = await config.persist('still works');
  const works = entry.configHex === config.toHex() && config.validate().isValid && alone.validate().isValid;
  await config.close();
  config = undefined;
  let closed = await measure();
  for (let look = 0; look < 100 && closed.mapped > 0; look += 1) closed = await measure();
  const again = createProductionConfig(options);
  const reopened = again.getEnabledFeatures().join();
  await again.close();
  await alone.close();
  writeSync(1, `${JSON.stringify({ rounds, stages, before, after, closed, works, reopened })}\n`);
} else {
  const { cluster, alone, seed } = workerData;
  parentPort.postMessage('started');
  const configs = [attachConfig(cluster), attachConfig(alone)];
  parentPort.postMessage('attached');
  const buffers = new Set();
  for (const config of configs) config.on('change', () => {});
  for (let step = 0; ; step += 1) {
    for (const config of configs) {
      config.toggleFeature(FEATURES[(seed + step) % FEATURES.length]);
      config.getDebugView();
      buffers.add(config.sharedBuffer);
    }
    if (step === 10) parentPort.postMessage('flipping');
    if (step % 100 === 50) {
      const persist = configs[0].persist(`step ${step}`);
      if (step === 50) parentPort.postMessage('persisting');
      await persist;
    }
    if (step % 100 === 99) await setImmediate();
    if (step === 300) parentPort.postMessage('went on');
  }
}

async function oneThread(config, alone, stages) {
  const handles = { cluster: config.share(), alone: alone.share(), seed: Math.floor(Math.random() * 100) };
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: handles });
  const exit = once(worker, 'exit');
  // Some while they start, and most at some moment of their work.
  const wanted = STAGES[Math.floor(Math.random() * STAGES.length)];
  let reached = STAGES[0];
  await new Promise((resolve, reject) => {
    worker.on('error', reject).on('message', (stage) => {
      reached = stage;
      if (stage === wanted) resolve();
    });
    if (wanted === reached) resolve();
  });
  for (let turn = Math.floor(Math.random() * 20); turn > 0; turn -= 1) await setImmediate();
  await worker.terminate();
  await exit;
  stages[reached] = (stages[reached] ?? 0) + 1;
}

async function measure() {
  for (let turn = 0; turn < 5; turn += 1) {
    collectGarbage();
    for (let wait = 0; wait < 10; wait += 1) await setImmediate();
  }
  const residentMiB = Math.round(process.memoryUsage.rss() / 2 ** 20);
  // Only Linux tells the rest.
  if (process.platform !== 'linux') return { mapped: 0, open: [], threads: 0, residentMiB };
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  const status = readFileSync('/proc/self/status', 'utf8');
  return {
    mapped: maps.filter((line) => line.includes('-live-')).length,
    open: openFiles(),
    threads: Number(/^Threads:\s+(\d+)/m.exec(status)[1]),
    residentMiB,
  };
}

/** What the descriptors of this process lead to. */
function openFiles() {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/self/fd/${descriptor}`)];
    } catch {
      // The one that listed the directory.
      return [];
    }
  });
}
