// A process of the cluster, with two workers: `<database> <number>`. All three share one config and say what they see
// and what they are told. The parent only asks; what is flipped is never sent to anybody.
import { Worker } from 'node:worker_threads';
import { createProductionConfig } from '13byte-config';
import { ALL_FEATURES, FEATURES } from './features.mjs';
import { lookAt, reportChanges } from './view.mjs';

/** @typedef {import('./view.mjs').View} View */

const [persistPath = '', number = '0'] = process.argv.slice(2);

const config = createProductionConfig({
  persistPath,
  environment: 'production',
  features: ALL_FEATURES,
  enableClusterSync: true,
  actor: `process ${number}`,
});
reportChanges(config, 0, tell);

const workers = await Promise.all([1, 2].map(startWorker));

/** @type {Record<string, (...args: any[]) => unknown>} */
const tasks = {
  /** @returns {Promise<View[]>} what its threads see */
  look: async () => [lookAt(config), ...(await Promise.all(workers.map(({ ask }) => ask('look'))))],

  /** @param {string[]} names */
  enable: (names) => config.update((draft) => draft.enable(...names)),

  /** Has each worker flip its feature so often, and resolves when they have. */
  race: (/** @type {number} */ flips) => Promise.all(workers.map(({ ask }) => ask('race', flips))),

  persist: async (/** @type {string} */ reason) => (await config.persist(reason)).revision,
};

process.on('message', async (/** @type {{ id: number, task: string, args: unknown[] }} */ { id, task, args }) => {
  tell({ id, result: await tasks[task]?.(...args) });
});
process.on('disconnect', () => process.exit());
tell({ ready: true });

/** @param {object} message */
function tell(message) {
  process.send?.(message);
}

/** @param {number} thread */
async function startWorker(thread) {
  // The handle is all that a worker needs to have the same config.
  const feature = ALL_FEATURES[FEATURES.length + 2 * (Number(number) - 1) + thread - 1];
  const worker = new Worker(new URL('worker.mjs', import.meta.url), {
    workerData: { handle: config.share(), thread, feature },
  });
  /** @type {((result: any) => void)[]} */
  const waiting = [];
  await new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.on('message', (message) => {
      if (message.ready) resolve(undefined);
      else if (message.change) tell(message);
      else waiting.shift()?.(message.result);
    });
  });
  return {
    /**
     * @param {string} task
     * @param {unknown} [argument]
     * @returns {Promise<any>}
     */
    ask: (task, argument) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        worker.postMessage({ task, argument });
      }),
  };
}
