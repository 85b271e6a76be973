// @ts-check
// A database that the first run has made.
import { join } from 'node:path';
import { createProductionConfig } from '../../types/index.mjs';

const config = createProductionConfig({ persistPath: join(process.argv[2] ?? '', 'config.db') });
if (!config.isFeatureEnabled('debug')) {
  config.enableFeature('debug');
  await config.persist('start');
  await config.close();
}
process.exit();
