import { createProductionConfig } from '13byte-config';

// Solves the "nodes out of sync" problem
const config = createProductionConfig({
  enableClusterSync: true
});

// Updates propagate to all processes automatically
config.enableFeature('new_feature');
// All 5 worker processes see this change instantly!
