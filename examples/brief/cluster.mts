import { createProductionConfig } from '13byte-config';

// cluster.ts - Multi-process deployment
const config = createProductionConfig({
  enableClusterSync: true,
  persistPath: './cluster-config.db'
});

// All processes stay in sync automatically
config.enableFeature('maintenance_mode');
// Instantly reflected across all worker processes
