// A thread that turns a feature on and off, with a pause after each, until it is ended.
import { parentPort, workerData } from 'node:worker_threads';
import { attachConfig } from '13byte-config';

const config = attachConfig(workerData);
const nothing = new Int32Array(new SharedArrayBuffer(4));
parentPort.postMessage('ready');
for (;;) {
  config.toggleFeature('ping');
  Atomics.wait(nothing, 0, 0, 2);
}
