// Starts worker threads one after the other. Each persists, says so, and is terminated in the midst of persisting more.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createProductionConfig } from '13byte-config';

const ROUNDS = 5;

if (isMainThread) {
  for (let round = 0; round < ROUNDS; round += 1) {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: process.argv.at(-1) });
    await once(worker, 'message');
    await worker.terminate();
  }
  console.log(ROUNDS);
} else {
  const config = createProductionConfig({ persistPath: workerData });
  config.enableFeature('metrics');
  await config.persist('acknowledged');
  parentPort.postMessage('persisted');
  for (let step = 0; step < 1000; step += 1) config.persist(`step ${step}`);
}
