// Two workers of node:cluster that listen to a config, without ever looking at it unasked. Each says when it listens, and
// what was enabled.
import cluster from 'node:cluster';
import { writeSync } from 'node:fs';
import { createProductionConfig } from '13byte-config';

if (cluster.isPrimary) {
  for (let worker = 0; worker < 2; worker += 1) cluster.fork();
} else {
  globalThis.setInterval = () => ({ unref() {} });
  const config = createProductionConfig(JSON.parse(process.argv[2]));
  config.on('change', ({ enabled }) => writeSync(1, `${process.pid} ${enabled}\n`));
  writeSync(1, `${process.pid}\n`);
}
