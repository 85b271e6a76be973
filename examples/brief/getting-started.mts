// Install and run
// bun add 13byte-config

// Production usage
import { createProductionConfig } from '13byte-config';

const config = createProductionConfig({
  persistPath: './config.db',
  enableClusterSync: true,
  debugMode: true
});

config.enableFeature('metrics');
await config.persist('production_setup');

console.log(config.getDebugView());
