// A worker thread of `member.mjs`.
import { parentPort, workerData } from 'node:worker_threads';
import { attachConfig } from '13byte-config';
import { lookAt, reportChanges } from './view.mjs';

/** @type {{ handle: import('13byte-config').ConfigHandle, thread: number, feature: string }} */
const { handle, thread, feature } = workerData;

const config = attachConfig(handle);
reportChanges(config, thread, tell);

/** @type {Record<string, (argument: any) => unknown>} */
const tasks = {
  look: () => lookAt(config),

  /** @param {number} flips */
  race(flips) {
    for (let flip = 0; flip < flips; flip += 1) config.toggleFeature(feature);
  },
};

parentPort?.on('message', ({ task, argument }) => tell({ result: tasks[task]?.(argument) }));
tell({ ready: true });

/** @param {object} message */
function tell(message) {
  parentPort?.postMessage(message);
}
