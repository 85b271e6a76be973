// The promises of the README on a runtime of another platform: history, live state of two processes, and a listener.
// SPEC_EXEC_PATH has the command that starts this runtime, where that is not the program itself.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createProductionConfig } from '13byte-config';

const [child] = process.argv.slice(2);
const options = (persistPath, ...more) => ({
  persistPath,
  environment: 'production',
  features: ['checkout', 'search', ...more],
  enableClusterSync: true,
});

if (child !== undefined) {
  const config = createProductionConfig(options(child, 'returns'));
  assert.equal(config.isFeatureEnabled('checkout'), true, 'the live state of the other process');
  config.enableFeature('search');
  await config.close();
} else {
  // In the working directory, which is removed by who made it: Bun removes no directories in wine 8.
  await quickStart('config.db');
}

async function quickStart(persistPath) {
  const config = createProductionConfig(options(persistPath));
  config.enableFeature('checkout');
  const { revision } = await config.persist('open the shop');
  assert.equal(revision, 1);

  const changed = once(config, 'change');
  const command = process.env.SPEC_EXEC_PATH ?? process.execPath;
  const other = spawn(command, [fileURLToPath(import.meta.url), persistPath], { stdio: 'inherit' });
  const [[change], [code]] = await Promise.all([changed, once(other, 'exit')]);
  assert.equal(code, 0);
  assert.deepEqual([change.enabled, change.local], [['search'], false]);
  assert.deepEqual(config.getEnabledFeatures(), ['checkout', 'search']);

  await config.persist('search for everyone');
  await config.load();
  await config.rollback();
  assert.deepEqual(config.getEnabledFeatures(), ['checkout']);
  assert.equal((await config.verify()).ok, true);
  const { status, checks } = await config.healthCheck();
  assert.equal(status, process.env.QUICK_START_HEALTH ?? 'ok', JSON.stringify(checks));
  await config.close();

  const again = createProductionConfig(options(persistPath));
  assert.deepEqual(again.getEnabledFeatures(), ['checkout'], 'the last persisted state');
  assert.equal((await again.getHistory()).length, 3);
  await again.close();
}
