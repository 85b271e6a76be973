// Threads that listen to the config of the main thread, in one way each, and then have nothing else to do.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { attachConfig, createProductionConfig } from '13byte-config';

if (isMainThread) {
  const config = createProductionConfig();
  const codes = [];
  for (const way of ['on', 'changes', 'once']) {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { way, handle: config.share() } });
    codes.push((await once(worker, 'exit'))[0]);
    // Whoever was told of this is gone.
    config.toggleFeature('debug');
  }
  console.log('ended', ...codes);
} else {
  const config = attachConfig(workerData.handle);
  if (workerData.way === 'on') config.on('change', () => {});
  if (workerData.way === 'once') config.once('change', () => {});
  if (workerData.way === 'changes') config.changes().next();
}
