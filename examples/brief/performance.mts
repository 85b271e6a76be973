import { createProductionConfig } from '13byte-config';

const config = createProductionConfig({ persistPath: './config.db' });

// Feature operations: ~50ns per operation
config.enableFeature('debug');     // 45ns
config.isFeatureEnabled('debug'); // 38ns
config.disableFeature('debug');   // 42ns

// Debug view generation: ~500ns
config.getDebugView(); // 487ns

// Persistence: ~1ms (SQLite atomic write)
await config.persist('update'); // 1.2ms
