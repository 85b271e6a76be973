// Writes what configs in several situations say in the format of OpenMetrics into files of a directory.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';

const [directory = '.'] = process.argv.slice(2);

/** @param {string} name @param {import('13byte-config').ProductionConfig<any>} config */
const expose = (name, config) => writeFileSync(join(directory, `${name}.txt`), config.metricsText());

const fresh = createProductionConfig();
expose('fresh', fresh);

const busy = createProductionConfig({
  persistPath: join(directory, 'with "quotes" and \\.db'),
  environment: 'eu.1',
  debugMode: true,
  enableClusterSync: true,
});
const heard = new Promise((resolve) => {
  busy.once('change', resolve);
});
busy.enableFeature('debug');
busy.setRollout('beta_feature', 0.01);
await heard;
await Promise.all([busy.persist(), busy.persist(), busy.persist('no', { ifRevision: 99 }).catch(() => {})]);
expose('busy', busy);

writeFileSync(join(directory, 'garbage.db'), 'no database');
const degraded = createProductionConfig({ persistPath: join(directory, 'garbage.db'), onStoreError: 'degrade' });
expose('degraded', degraded);

await Promise.all([fresh, busy, degraded].map((config) => config.close()));
