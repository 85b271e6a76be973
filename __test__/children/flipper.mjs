// A thread that flips one feature through a config's shared buffer, and counts how often somebody else undid a flip.
import { parentPort, workerData } from 'node:worker_threads';

const { sharedBuffer, control, bit, rounds } = workerData;
/** Index of the feature flags in the state page. */
const FLAGS = 2;
const words = new Int32Array(sharedBuffer);
const mask = 1 << bit;

parentPort.postMessage('ready');
Atomics.wait(control, 0, 0);

let lost = 0;
try {
  for (let round = 0; round < rounds; round += 1) {
    Atomics.and(words, FLAGS, ~mask);
    if ((Atomics.load(words, FLAGS) & mask) !== 0) lost += 1;
    Atomics.or(words, FLAGS, mask);
    if ((Atomics.load(words, FLAGS) & mask) === 0) lost += 1;
  }
} finally {
  // Whoever spins until all are done must not spin for ever.
  Atomics.add(control, 1, 1);
}
parentPort.postMessage({ lost });
