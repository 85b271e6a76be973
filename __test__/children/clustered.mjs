// A primary and two workers of node:cluster with one config: each turns one feature on, and all see all.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createProductionConfig } from '13byte-config';

const NAMES = ['a', 'b', 'c'];
const config = createProductionConfig({ persistPath: process.argv[2], enableClusterSync: true, features: NAMES });

if (cluster.isPrimary) {
  const workers = ['a', 'b'].map((name) => cluster.fork({ TURN_ON: name }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  console.log('primary sees', config.getEnabledFeatures().join());
  config.enableFeature('c');
  const answers = workers.map(async (worker) => (await once(worker, 'message'))[0]);
  for (const worker of workers) worker.send('look');
  console.log('workers see', ...(await Promise.all(answers)));
  const exits = workers.map((worker) => once(worker, 'exit'));
  for (const worker of workers) worker.disconnect();
  await Promise.all(exits);
} else {
  config.enableFeature(process.env.TURN_ON);
  process.on('message', () => process.send(config.getEnabledFeatures().join()));
  process.send('on');
}
