import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { calls, handles, reset } from './children/counted-binding.mjs';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

// After the counters are in place: the package keeps the functions that it finds.
const { attachConfig, createProductionConfig } = await import('13byte-config');

const ROUNDS = 1000;

export default suite('native calls', {
  async 'the counters stand in front of the whole binding, and they count'(t) {
    reset();
    const config = open(t, { persistPath: join(t.tempDir(), 'config.db') });
    assert.equal(calls.get('NativeStore.open'), 1);
    assert.equal(calls.get('NativeStore.openPage'), 1);
    reset();
    config.validate();
    config.validate();
    assert.deepEqual([...calls], [['pageProblems', 2]]);
    reset();
    await config.persist('counted');
    assert.equal(calls.get('NativeStore.persist'), 1);
    await config.close();
    assert.equal(calls.get('NativeStore.close'), 1);
    assert.equal(calls.get('releasePage'), 1);
  },

  'reading a feature makes no native call'(t) {
    const config = open(t);
    const feature = config.feature('metrics');
    assert.deepEqual(
      nativeCalls(() => {
        config.isFeatureEnabled('debug');
        config.isFeatureEnabled('metrics');
        if (feature.enabled) throw new Error('on');
      }),
      [],
    );
  },

  'flips make no native call'(t) {
    const config = open(t);
    const feature = config.feature('metrics');
    assert.deepEqual(
      nativeCalls(() => {
        config.enableFeature('debug');
        config.disableFeature('debug');
        config.toggleFeature('verbose');
        config.setFeature('logging', true);
        config.setFeature('logging', false);
        feature.enable();
        feature.disable();
      }),
      [],
    );
  },

  'updates, fields and the terminal make no native call'(t) {
    const config = open(t);
    assert.deepEqual(
      nativeCalls((round) => {
        config.update((draft) => {
          draft.set('debug', round % 2 === 0);
          draft.terminal(round % 4, 50, 120);
        });
        config.setTerminalSettings(2, 24, 80);
        config.getTerminalSettings();
        config.setRollout('debug', round % 100);
        config.isFeatureEnabledFor('debug', `user-${round}`);
        config.getRollout('debug');
        config.featureFlags = round % 8;
        config.rows = (round % 255) + 1;
        config.updateFromBuffer(config.toBytes());
        config.getEnabledFeatures();
      }),
      [],
    );
  },

  'the debug view makes no native call'(t) {
    const config = open(t);
    assert.deepEqual(
      nativeCalls((round) => {
        if (round % 3 === 0) config.toggleFeature('debug');
        config.getDebugView();
      }),
      [],
    );
  },

  'neither a database nor debugMode changes that'(t) {
    const config = open(t, { persistPath: join(t.tempDir(), 'config.db'), debugMode: true });
    assert.deepEqual(
      nativeCalls(() => {
        config.isFeatureEnabled('debug');
        config.toggleFeature('debug');
      }),
      [],
    );
  },

  'a refused name makes no native call'(t) {
    const config = open(t);
    assert.deepEqual(
      nativeCalls(() => {
        assert.throws(() => config.isFeatureEnabled('debgu'), { code: 'ERR_UNKNOWN_FEATURE' });
      }),
      [],
    );
  },

  ...onPosix({
    async 'a handle opens its database once, and holds on to nothing when that fails'(t) {
      const persistPath = join(t.tempDir(), 'config.db');
      const handle = open(t, { persistPath, features: ['a'] }).share();
      reset();
      const attached = attachConfig(handle);
      t.after(() => attached.close());
      assert.deepEqual(
        [calls.get('NativeStore.open'), calls.get('adoptPage'), calls.get('releasePage')],
        [1, 1, undefined],
      );
      for (const suffix of ['', '-wal', '-shm']) rmSync(persistPath + suffix);
      reset();
      assert.throws(() => attachConfig(handle), { code: 'ERR_STALE_HANDLE' });
      assert.deepEqual([calls.get('NativeStore.open'), calls.get('adoptPage'), calls.get('releasePage')], [1, 1, 1]);
      assert.equal(existsSync(persistPath), false, 'no database is made, either');
    },
  }),

  async 'a config that cannot be opened closes its database'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    await open(t, { persistPath, features: ['a'] }).close();
    for (const onStoreError of ['throw', 'degrade']) {
      reset();
      const attempt = () => open(t, { persistPath, features: ['b'], readOnly: true, onStoreError });
      if (onStoreError === 'throw') assert.throws(attempt, { code: 'ERR_READ_ONLY' });
      else assert.equal(attempt().getDebugView().store.error.code, 'ERR_READ_ONLY');
      assert.deepEqual([calls.get('NativeStore.open'), calls.get('NativeStore.close')], [1, 1]);
    }
  },

  'configs share the memory they look at'(t) {
    reset();
    const configs = Array.from({ length: 1024 }, () => open(t));
    assert.equal(new Set(handles).size, configs.length);
    // A buffer for each chunk of 512 pages, and not for each config.
    assert.ok((calls.get('chunkBuffer') ?? 0) <= 3, `${calls.get('chunkBuffer')} buffers`);
    assert.equal(calls.get('pageBuffer'), undefined);
  },
});

/** The native calls that many rounds of something make. */
function nativeCalls(run) {
  reset();
  for (let round = 0; round < ROUNDS; round += 1) run(round);
  return [...calls];
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}
