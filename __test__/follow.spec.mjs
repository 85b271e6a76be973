// Taking over what others persist, without persisting.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createProductionConfig } from '13byte-config';
import { tell } from './children/tell.mjs';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

const environment = 'production';

export default suite('follow', {
  async 'a program has what another one persists, and keeps what it has changed itself'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath });
    config.enableFeature('verbose');
    const other = t.spawn('program.mjs');
    await tell(other, 'open', { persistPath, environment });
    await tell(other, 'enableFeature', 'debug');
    await tell(other, 'setRollout', 'debug', 25);
    await tell(other, 'enableFeature', 'metrics');
    const heard = once(config, 'change');
    await tell(other, 'persist', 'by another program');
    const [{ enabled, rollouts, local }] = await heard;
    assert.deepEqual([enabled, rollouts, local], [['debug', 'metrics'], { debug: { from: 100, to: 25 } }, false]);
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'verbose', 'metrics']);
    assert.deepEqual(
      (await config.getHistory()).map(({ changeReason }) => changeReason),
      ['by another program'],
    );
    // Nobody has persisted this one.
    assert.equal(await tell(other, 'isFeatureEnabled', 'verbose'), false);
    await tell(other, 'disableFeature', 'debug');
    await tell(other, 'persistSync', 'again');
    await until(() => !config.isFeatureEnabled('debug'));
    assert.deepEqual(config.getEnabledFeatures(), ['verbose', 'metrics']);
    assert.deepEqual((await config.persist('its own')).changes, ['+verbose']);
  },

  async 'it works for one that only reads, for another config of the process, and for a rollback'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const writer = open(t, { persistPath, follow: false });
    await writer.persist('first');
    const reader = open(t, { persistPath, readOnly: true });
    await writer.commit((draft) => draft.enable('caching', { rollout: 5 }), 'five percent');
    await until(() => reader.isFeatureEnabled('caching'));
    assert.equal(reader.getRollout('caching'), 5);
    assert.equal(reader.persisted, true);
    await writer.rollback(1);
    await until(() => !reader.isFeatureEnabled('caching') && reader.getRollout('caching') === 100);
    // Not what is persisted in another environment.
    const staging = open(t, { persistPath, environment: 'staging', follow: false });
    staging.enableFeature('debug');
    await staging.persist('staging');
    await writer.commit((draft) => draft.enable('metrics'), 'last');
    await until(() => reader.isFeatureEnabled('metrics'));
    assert.deepEqual(reader.getEnabledFeatures(), ['metrics']);
  },

  async 'a feature that another program registers comes with its name'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath, features: ['a'] });
    const other = t.spawn('program.mjs');
    await tell(other, 'open', { persistPath, environment, features: ['a', 'b'] });
    await tell(other, 'enableFeature', 'b');
    const heard = once(config, 'change');
    await tell(other, 'persist', 'b');
    const [{ enabled }] = await heard;
    assert.deepEqual(enabled, ['b']);
    assert.equal(config.isFeatureEnabled('b'), true);
    assert.deepEqual(config.validate().errors, []);
  },

  ...onPosix({
    async 'that the database was replaced is still said by the next persist'(t) {
      const directory = t.tempDir();
      const persistPath = join(directory, 'config.db');
      const config = open(t, { persistPath });
      await config.persist('first');
      copyFileSync(persistPath, join(directory, 'copy.db'));
      renameSync(join(directory, 'copy.db'), persistPath);
      // Another database, which is looked at as often.
      const other = open(t, { persistPath: join(directory, 'other.db') });
      const peer = t.spawn('program.mjs');
      await tell(peer, 'open', { persistPath: join(directory, 'other.db'), environment });
      for (const name of ['debug', 'metrics', 'caching']) {
        await tell(peer, 'enableFeature', name);
        await tell(peer, 'persist', name);
        await until(() => other.isFeatureEnabled(name));
      }
      await assert.rejects(config.persist('lost'), { code: 'ERR_STORE_REPLACED' });
    },
  }),

  'it needs a database'() {
    assert.throws(() => createProductionConfig({ follow: true }), {
      code: 'ERR_INVALID_VALUE',
      message: /^Invalid follow: /,
    });
    assert.throws(() => createProductionConfig({ follow: 1, persistPath: 'x.db' }), { code: 'ERR_INVALID_TYPE' });
  },
});

function open(t, options) {
  const config = createProductionConfig({ environment, follow: true, ...options });
  t.after(() => config.close());
  return config;
}

async function until(isSo) {
  while (!isSo()) await setImmediate();
}
