import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { startProcess } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

const NAMES = ['a', 'b', 'c'];

export default suite('commit', {
  async 'a commit is exactly what it sets, on disk and live'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath, actor: 'the tests' });
    config.enableFeature('a');
    const snapshot = await config.persist('before');
    assert.equal(snapshot.kind, 'snapshot');
    config.enableFeature('c');
    const entry = await config.commit(
      (draft) => {
        draft.enable('b', { rollout: 12.5 });
        draft.disable('a');
      },
      'b for some',
      { actor: 'alice', ifRevision: 1 },
    );
    assert.deepEqual(
      [entry.revision, entry.kind, entry.changeReason, entry.actor, entry.changes],
      [2, 'commit', 'b for some', 'alice', ['+b', '-a', 'b 100% → 12.5%']],
    );
    assert.deepEqual(config.getEnabledFeatures(), ['b', 'c'], 'a flip that nobody persisted stays');
    assert.equal(config.getRollout('b'), 12.5);
    assert.equal(config.persisted, false);
    await config.close();
    const again = open(t, { persistPath });
    assert.deepEqual([again.getEnabledFeatures(), again.getRollout('b')], [['b'], 12.5]);
  },

  async 'everything that a draft can do'(t) {
    const config = open(t, { persistPath: join(t.tempDir(), 'config.db') });
    const { changes } = await config.commit(({ enable, set, rollout, terminal, disable }) => {
      enable('a', 'b');
      set('c', true);
      disable('b');
      rollout('c', 5);
      enable('c', {});
      terminal(1, 30, 90);
    });
    assert.deepEqual(changes, ['+a', '+c', 'c 100% → 5%', 'terminal raw 24x80 → cooked 30x90']);
    assert.deepEqual((await config.getHistory(1))[0].changeReason, 'committed');
    // What is in effect already is recorded all the same: it was set.
    const again = await config.commit((draft) => draft.enable('a'));
    assert.deepEqual([again.revision, again.kind, again.changes], [2, 'commit', []]);
  },

  async 'two programs that share nothing but the database keep what the other one has changed'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), environment: 'eu', features: NAMES };
    const config = open(t, options);
    const other = startProcess();
    t.after(() => other.stop());
    await other.tell('open', options);
    config.enableFeature('a');
    await config.persist('a');
    await other.tell('enableFeature', 'b');
    const { changes } = await other.tell('persist', 'b');
    assert.deepEqual(changes, ['+b'], 'and nothing that the first one did');
    assert.deepEqual(await other.tell('getEnabledFeatures'), ['a', 'b']);
    const changed = once(config, 'change');
    const entry = await config.commit((draft) => draft.enable('c'), 'c');
    assert.deepEqual(entry.changes, ['+c']);
    assert.deepEqual(config.getEnabledFeatures(), NAMES);
    const [change] = await changed;
    assert.deepEqual([change.enabled.toSorted(), change.local], [['b', 'c'], false]);
  },

  async 'whoever shares the state has it at once'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true, features: NAMES };
    const config = open(t, options);
    const peer = startProcess();
    t.after(() => peer.stop());
    await peer.tell('open', options);
    await peer.tell('listen');
    await config.commit((draft) => draft.enable('a', { rollout: 50 }), 'a');
    await peer.tell('hears', ['a']);
    assert.deepEqual(await peer.tell('getState'), config.getState());
    assert.equal(await peer.tell('get', 'persisted'), true);
  },

  async 'what is wrong changes nothing'(t) {
    const config = open(t, { persistPath: join(t.tempDir(), 'config.db') });
    const fails = (edit, expected, ...rest) => assert.rejects(config.commit(edit, ...rest), expected);
    await fails(() => {}, { code: 'ERR_INVALID_VALUE', message: /^Invalid commit: it sets nothing/ });
    await fails(undefined, { code: 'ERR_INVALID_TYPE', message: 'Invalid commit: undefined (must be a function)' });
    await fails(async () => {}, { code: 'ERR_INVALID_TYPE', message: /^Invalid commit: an async function/ });
    await fails((draft) => draft.enable('nothing'), { code: 'ERR_UNKNOWN_FEATURE' });
    await fails((draft) => draft.enable('nothing', { rollout: 5 }), { code: 'ERR_UNKNOWN_FEATURE' });
    await fails((draft) => draft.enable('a', { rollout: 101 }), { message: /101/ });
    await fails((draft) => draft.enable('a', { percent: 10 }), { message: /percent/ });
    await fails((draft) => draft.rollout('a', -1), { message: /-1/ });
    await fails((draft) => draft.terminal(9, 1, 1), { message: /Invalid terminal mode: 9/ });
    await fails((draft) => draft.enable('a'), { code: 'ERR_REVISION_CONFLICT' }, 'late', { ifRevision: 7 });
    const thrown = new Error('by the caller');
    await fails(() => {
      throw thrown;
    }, thrown);
    let kept;
    await config.commit((draft) => {
      kept = draft;
      draft.enable('b');
    });
    for (const use of [() => kept.enable('a'), () => kept.rollout('a', 5)]) {
      assert.throws(use, { code: 'ERR_DRAFT_ENDED' });
    }
    assert.deepEqual(config.getEnabledFeatures(), ['b']);
    assert.equal((await config.getHistory()).length, 1);
    const readOnly = open(t, { persistPath: config.getDebugView().store.path, readOnly: true });
    await assert.rejects(
      readOnly.commit((draft) => draft.enable('a')),
      { code: 'ERR_READ_ONLY' },
    );
    const without = open(t, {});
    await assert.rejects(
      without.commit((draft) => draft.enable('a')),
      {
        message: 'Persistence not enabled. Initialize with persistPath option.',
      },
    );
  },
});

function open(t, options) {
  const config = createProductionConfig({ features: NAMES, ...options });
  t.after(() => config.close());
  return config;
}
