import assert from 'node:assert/strict';
import { join } from 'node:path';
import { attachConfig, createProductionConfig } from '13byte-config';
import { tell } from './children/tell.mjs';
import { suite } from './harness/suite.mjs';

export default suite('persisted', {
  async 'it compares the live state with that of the last revision'(t) {
    const config = open(t, { persistPath: database(t) });
    assert.equal(config.persisted, false, 'nothing was persisted');
    await config.persist();
    assert.equal(config.persisted, true);

    const terminal = config.getTerminalSettings();
    /** Each takes the state elsewhere, and back. */
    const ways = [
      [() => config.enableFeature('debug'), () => config.disableFeature('debug')],
      [() => config.toggleFeature('metrics'), () => config.toggleFeature('metrics')],
      [() => config.setRollout('caching', 0.01), () => config.setRollout('caching', 100)],
      [
        () => config.setTerminalSettings(1, 1, 1),
        () => config.setTerminalSettings(terminal.mode, terminal.rows, terminal.cols),
      ],
      [
        () =>
          config.update((draft) => {
            draft.enable('debug', 'verbose');
            draft.terminal(0, 9, 9);
          }),
        () =>
          config.update((draft) => {
            draft.disable('debug', 'verbose');
            draft.terminal(terminal.mode, terminal.rows, terminal.cols);
          }),
      ],
    ];
    for (const [change, takeBack] of ways) {
      change();
      assert.equal(config.persisted, false, String(change));
      takeBack();
      assert.equal(config.persisted, true, String(takeBack));
      change();
      config.persistSync();
      assert.equal(config.persisted, true, String(change));
      takeBack();
      assert.equal(config.persisted, false, String(takeBack));
      await config.persist();
      assert.equal(config.persisted, true, String(takeBack));
    }
  },

  async 'it is true after whatever goes to a revision'(t) {
    const persistPath = database(t);
    const config = open(t, { persistPath });
    config.setRollout('debug', 25);
    await config.persist();
    config.enableFeature('debug');
    await config.persist();

    config.disableFeature('debug');
    await config.load();
    assert.equal(config.persisted, true, 'load');
    await config.rollback();
    assert.equal(config.persisted, true, 'rollback');
    assert.equal(config.isFeatureEnabled('debug'), false);
    config.toggleFeature('metrics');
    await config.apply(config.getState());
    assert.equal(config.persisted, true, 'apply');
    const { persisted } = open(t, { persistPath });
    assert.equal(persisted, true, 'a start');
    const other = open(t, { persistPath, environment: 'other' });
    assert.equal(other.persisted, false, 'another environment');
    await other.promote('production');
    assert.equal(other.persisted, true, 'promote');
  },

  async 'a start without loading compares with the last revision all the same'(t) {
    const persistPath = database(t);
    const config = open(t, { persistPath });
    config.enableFeature('debug');
    await config.persist();
    const next = open(t, { persistPath, autoLoad: false });
    assert.equal(next.persisted, false);
    next.enableFeature('debug');
    assert.equal(next.persisted, true);
  },

  async 'who shares the live state sees what others persist, and what has still to be persisted'(t) {
    const persistPath = database(t);
    const options = { persistPath, environment: 'production', enableClusterSync: true };
    const config = open(t, options);
    const attached = attachConfig(config.share());
    t.after(() => attached.close());
    const child = t.spawn('program.mjs');
    await tell(child, 'open', options);
    config.enableFeature('debug');
    for (const reader of [config, attached]) assert.equal(reader.persisted, false);
    await tell(child, 'persist', 'from there');
    for (const reader of [config, attached]) assert.equal(reader.persisted, true);
    await tell(child, 'enableFeature', 'verbose');
    assert.equal(attached.persisted, false);
    await tell(child, 'rollback', 1);
    assert.equal(config.persisted, true);
    attached.enableFeature('metrics');
    assert.equal(config.persisted, false);
    config.persistSync();
    assert.equal(attached.persisted, true);
  },

  'without a database nothing is persisted'(t) {
    const config = open(t, {});
    assert.equal(config.persisted, false);
    const degraded = open(t, { persistPath: join(t.tempDir(), 'no', 'such.db'), onStoreError: 'degrade' });
    assert.equal(degraded.persisted, false);
  },

  async 'a refused persist changes nothing about it'(t) {
    const config = open(t, { persistPath: database(t) });
    await config.persist();
    config.enableFeature('debug');
    await assert.rejects(config.persist('late', { ifRevision: 9 }), { code: 'ERR_REVISION_CONFLICT' });
    assert.equal(config.persisted, false);
  },
});

function database(t) {
  return join(t.tempDir(), 'config.db');
}

function open(t, options) {
  const config = createProductionConfig({ environment: 'production', ...options });
  t.after(() => config.close());
  return config;
}
