import { createProductionConfig } from '13byte-config';

// feature-rollout.ts - Gradual feature rollout
const config = createProductionConfig({ persistPath: './flags.db' });

// 10% rollout
config.enableFeature('beta_feature');
await config.persist('beta_rollout_10_percent');

// 50% rollout (implementation would check user ID)
await config.persist('beta_rollout_50_percent');

// 100% rollout
await config.persist('beta_rollout_full');

// History for audit compliance
const history = await config.getHistory();
// Shows complete rollout timeline with timestamps
