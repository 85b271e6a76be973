// @ts-check
import { createProductionConfig } from '../../index.mjs';

const config = createProductionConfig();
process.exit(config.isFeatureEnabled('debug') ? 1 : 0);
