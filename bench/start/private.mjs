// @ts-check
import { createProductionConfig } from '../../types/index.mjs';

const config = createProductionConfig();
process.exit(config.isFeatureEnabled('debug') ? 1 : 0);
