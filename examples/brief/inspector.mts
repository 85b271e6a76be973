import { createProductionConfig } from '13byte-config';

const config = createProductionConfig();

// Custom inspect method for debugging
console.log(config);
// Shows human-readable view, not raw bytes
