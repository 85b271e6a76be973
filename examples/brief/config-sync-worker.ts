// What bun-worker.mts starts: a thread on the same memory as every process that opened this config.
import { createProductionConfig } from '13byte-config';

const config = createProductionConfig({ enableClusterSync: true });

config.enableFeature('caching');
postMessage(config.getEnabledFeatures());
