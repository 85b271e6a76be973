import { createProductionConfig } from '13byte-config';

// Solves the "where did my config go?" problem
const config = createProductionConfig({
  persistPath: './config.db'
});

await config.persist('feature_rollout');
// Atomic SQLite write - survives restarts!

const loaded = await config.load();
// Restores exact 13-byte state with history
