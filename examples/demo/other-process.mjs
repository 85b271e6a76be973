// What the demo starts as processes of their own: `<task> <database>`.
import { writeSync } from 'node:fs';
import { createProductionConfig } from '13byte-config';

const [task = '', persistPath = ''] = process.argv.slice(2);

/** @param {string} text */
const tell = (text) => void writeSync(1, `${text}\n`);

/** @type {Record<string, () => Promise<void>>} */
const tasks = {
  /** Opens the database and says what the state is. */
  async look() {
    const config = createProductionConfig({ persistPath, environment: 'production' });
    const { features, terminal, revision } = config.getDebugView();
    const [last] = await config.getHistory(1);
    tell(
      JSON.stringify({
        pid: process.pid,
        enabled: features.enabled,
        terminal: `${terminal.modeName} ${terminal.dimensions}`,
        revision,
        reason: last?.changeReason,
      }),
    );
    await config.close();
  },

  /** Flips and persists until it is killed, and tells each revision as soon as it is acknowledged. */
  async work() {
    const config = createProductionConfig({ persistPath, environment: 'production', actor: 'worker' });
    for (;;) {
      config.toggleFeature('maintenance_mode');
      const { revision, configHex } = await config.persist('work');
      tell(`${revision} ${configHex}`);
    }
  },

  /** Shares the config, and says when new_feature goes on. */
  async watch() {
    const config = createProductionConfig({ persistPath, environment: 'production', enableClusterSync: true });
    tell('ready');
    const timer = setInterval(() => {
      if (!config.isFeatureEnabled('new_feature')) return;
      tell(JSON.stringify({ pid: process.pid, enabled: config.getEnabledFeatures() }));
      clearInterval(timer);
      config.destroy();
    }, 1);
  },

  /** Shares the config, and makes logging follow metrics until maintenance_mode goes on. */
  async follow() {
    const config = createProductionConfig({ persistPath, environment: 'production', enableClusterSync: true });
    tell('ready');
    while (!config.isFeatureEnabled('maintenance_mode')) {
      config.setFeature('logging', config.isFeatureEnabled('metrics'));
    }
    await config.close();
  },
};

await tasks[task]?.();
