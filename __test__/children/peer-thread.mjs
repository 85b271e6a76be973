// A thread that uses a config as it is told, with a message for each command and each answer: under
// node:worker_threads and, in Bun, as a web Worker.
import { parentPort } from 'node:worker_threads';
import { makePeer } from './peer-commands.mjs';
import { startThread } from './peers.mjs';

const run = makePeer(startThread);

if (parentPort) parentPort.on('message', async (message) => parentPort.postMessage(await run(message)));
else globalThis.addEventListener('message', async ({ data }) => globalThis.postMessage(await run(data)));
