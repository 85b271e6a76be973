// A process whose threads each flip a feature of their own, while its main thread reads.
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { attachConfig, createProductionConfig } from '13byte-config';

if (isMainThread) {
  const { options, names, flips } = JSON.parse(process.argv[2]);
  const config = createProductionConfig(options);
  const threads = names.map((name) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { handle: config.share(), name, flips } });
    return { ready: once(worker, 'message'), worker };
  });
  await Promise.all(threads.map(({ ready }) => ready));
  const answers = threads.map(({ worker }) => once(worker, 'message'));
  writeSync(1, 'ready\n');

  const start = config.toBytes();
  const known = 2 ** options.features.length - 1;
  let [reads, invalid] = [0, 0];
  const over = new AbortController();
  const finished = Promise.all(answers).finally(() => over.abort());
  while (!over.signal.aborted) {
    for (let read = 0; read < 500; read += 1) {
      const bytes = config.toBytes();
      const flags = bytes[5] | (bytes[6] << 8) | (bytes[7] << 16) | (bytes[8] << 24);
      let isSame = bytes.length === 13 && (flags & ~known) === 0;
      for (let index = 0; index < 13; index += 1) {
        if ((index < 5 || index > 8) && bytes[index] !== start[index]) isSame = false;
      }
      if (!isSame) invalid += 1;
    }
    reads += 500;
    await setImmediate();
  }
  const done = (await finished).reduce((sum, [count]) => sum + count, 0);
  writeSync(1, `${JSON.stringify({ flips: done, reads, invalid })}\n`);
  await config.close();
} else {
  const { handle, name, flips } = workerData;
  const config = attachConfig(handle);
  parentPort.postMessage('ready');
  while (!config.isFeatureEnabled('go'));
  let done = 0;
  for (let flip = 0; flip < flips; flip += 1) {
    // Each says whether it changed anything, and nobody else flips this one.
    if (flip % 2 === 0 ? config.enableFeature(name) : config.disableFeature(name)) done += 1;
    if (config.isFeatureEnabled(name) !== (flip % 2 === 0)) throw new Error(`Flip ${flip} of ${name} was lost`);
  }
  parentPort.postMessage(done);
}
