// @ts-check
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '../../types/index.mjs';

const config = createProductionConfig({
  persistPath: join(mkdtempSync(join(process.argv[2] ?? '', 'new-')), 'config.db'),
});
process.exit(config.isFeatureEnabled('debug') ? 1 : 0);
