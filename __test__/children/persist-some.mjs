// A thread that persists a number of times to a database that other threads write as well, and tells its revisions.
import { parentPort, workerData } from 'node:worker_threads';
import { createProductionConfig } from '13byte-config';

const { persistPath, name, count } = workerData;
const config = createProductionConfig({ persistPath, actor: name });
const entries = await Promise.all(Array.from({ length: count }, (_, index) => config.persist(`${name}.${index}`)));
await config.close();
parentPort.postMessage(entries.map(({ revision, changeReason }) => [revision, changeReason]));
