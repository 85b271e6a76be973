import assert from 'node:assert/strict';
import { join } from 'node:path';
import { attachConfig, createProductionConfig } from '13byte-config';
import { startThread } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

const PACKAGE = "import { createProductionConfig } from '13byte-config';\n";

export default suite('persistSync', {
  async 'it is a revision as persist makes it, with its reason, its actor and what changed'(t) {
    const persistPath = database(t);
    const config = open(t, { persistPath, actor: 'alice' });
    config.enableFeature('debug');
    const first = config.persistSync();
    assert.deepEqual(
      { ...first, createdAt: 0, digest: '' },
      {
        revision: 1,
        environment: 'production',
        kind: 'snapshot',
        changeReason: 'manual',
        actor: 'alice',
        configHex: '0x01785634120100000002185000',
        changes: ['+debug'],
        restoredFrom: null,
        createdAt: 0,
        digest: '',
      },
    );
    config.setRollout('metrics', 12.5);
    const second = config.persistSync('a part', { actor: 'bob', ifRevision: 1 });
    assert.deepEqual([second.actor, second.changeReason, second.changes], ['bob', 'a part', ['metrics 100% → 12.5%']]);
    assert.equal(config.getDebugView().revision, 2);
    assert.deepEqual(await config.getHistory(), [second, first]);
    assert.equal((await config.verify()).ok, true);

    const child = t.spawn('program.mjs');
    child.send(JSON.stringify(['open', { persistPath, environment: 'production' }]));
    assert.deepEqual(JSON.parse(await child.line()), { result: second.configHex });
  },

  async 'revisions are in the order of the calls, and those of one turn share a transaction'(t) {
    const config = open(t, { persistPath: database(t) });
    const before = ['one', 'two'].map((reason, index) => {
      config.featureFlags = index;
      return config.persist(reason);
    });
    config.featureFlags = 7;
    const { revision, changes } = config.persistSync('three');
    assert.equal(revision, 3);
    assert.deepEqual(changes, ['+verbose', '+metrics']);
    assert.equal(config.getMetrics().store.commits.count, 1);
    const after = config.persist('four');
    const entries = await Promise.all([...before, after]);
    assert.deepEqual(
      entries.map((entry) => entry.revision),
      [1, 2, 4],
    );
    assert.deepEqual(
      (await config.getHistory()).map(({ changeReason }) => changeReason),
      ['four', 'three', 'two', 'one'],
    );
  },

  async 'it overtakes no work that was started before it'(t) {
    const config = open(t, { persistPath: database(t) });
    config.enableFeature('debug');
    await config.persist('on');
    config.disableFeature('debug');
    await config.persist('off');
    const rollback = config.rollback(1);
    const { revision } = config.persistSync('after the rollback');
    assert.equal(revision, 4);
    assert.equal((await rollback).revision, 3);
  },

  async 'answers that it overtakes name the features of their time'(t) {
    const persistPath = database(t);
    const config = open(t, { persistPath, features: ['a'] });
    const history = config.getHistory();
    // Another config of the process adds names to the table.
    const wider = open(t, { persistPath, features: ['a', 'b'] });
    wider.enableFeature('b');
    assert.deepEqual(wider.persistSync().changes, ['+b']);
    config.enableFeature('a');
    assert.deepEqual(config.persistSync().changes, ['+a']);
    assert.deepEqual(await history, []);
    assert.deepEqual(
      (await config.getHistory()).map(({ changes }) => changes),
      [['+a'], ['+b']],
    );
  },

  async 'it fails as persist does, and at once'(t) {
    const persistPath = database(t);
    const config = open(t, { persistPath });
    config.persistSync();
    const codes = {
      ERR_REVISION_CONFLICT: () => config.persistSync('late', { ifRevision: 7 }),
      ERR_INVALID_TYPE: () => config.persistSync(1),
      ERR_INVALID_VALUE: () => config.persistSync('x'.repeat(1001)),
      ERR_UNKNOWN_OPTION: () => config.persistSync('x', { author: 'me' }),
      ERR_READ_ONLY: () => open(t, { persistPath, readOnly: true }).persistSync(),
      ERR_PERSISTENCE_DISABLED: () => open(t, {}).persistSync(),
      ERR_STORE_DEGRADED: () =>
        open(t, { persistPath: join(t.tempDir(), 'no', 'such.db'), onStoreError: 'degrade' }).persistSync(),
      ERR_CLOSED: () => {
        const closed = createProductionConfig({ persistPath });
        t.after(() => closed.close());
        closed.destroy();
        closed.persistSync();
      },
    };
    for (const [code, call] of Object.entries(codes)) assert.throws(call, { code }, code);
    assert.equal((await config.getHistory()).length, 1);
    assert.equal(config.persistSync('and goes on').revision, 2);
  },

  async 'an exit handler makes the last state durable, with what was pending'(t) {
    const persistPath = database(t);
    const child = t.spawn(
      `${PACKAGE}
      const config = createProductionConfig({ persistPath: process.argv.at(-1), environment: 'production' });
      process.on('exit', () => {
        config.persist('never settles');
        config.enableFeature('caching');
        console.log(config.persistSync('at exit').revision);
      });
      config.persist('pending');
      config.enableFeature('metrics');
      process.exit(3);
    `,
      { args: [persistPath] },
    );
    assert.equal(await child.line(), '3');
    const { code, stderr } = await child.exited;
    assert.deepEqual({ code, stderr }, { code: 3, stderr: '' });
    const config = open(t, { persistPath });
    assert.deepEqual(config.getEnabledFeatures(), ['metrics', 'caching']);
    const history = await config.getHistory();
    assert.deepEqual(
      history.map(({ changeReason, changes }) => [changeReason, changes]),
      [
        ['at exit', ['+caching']],
        ['never settles', ['+metrics']],
        ['pending', []],
      ],
    );
  },

  async 'attached configs in this thread and another share the order'(t) {
    const config = open(t, { persistPath: database(t), features: ['a', 'b'] });
    const attached = attachConfig(config.share());
    t.after(() => attached.close());
    const thread = startThread();
    t.after(() => thread.stop());
    await thread.tell('attach', config.share());
    let last = 0;
    for (let round = 0; round < 20; round += 1) {
      const there = thread.tell('persistSync', `there ${round}`);
      const pending = config.persist(`pending ${round}`);
      const here = attached.persistSync(`here ${round}`).revision;
      const earlier = (await pending).revision;
      assert.ok(last < earlier && earlier < here, `${last} ${earlier} ${here}`);
      const other = (await there).revision;
      assert.ok(other > last && other !== earlier && other !== here);
      last = Math.max(here, other);
    }
    assert.equal(last, 60);
    assert.equal((await config.verify()).ok, true);
  },

  async 'debugMode times it, and metrics count it'(t) {
    const config = open(t, { persistPath: database(t), debugMode: true });
    config.persistSync();
    assert.throws(() => config.persistSync('late', { ifRevision: 9 }), { code: 'ERR_REVISION_CONFLICT' });
    assert.equal(config.getDebugView().timings.persistSync.calls, 2);
    assert.equal(config.getMetrics().store.persists.ok, 1);
    assert.equal(config.getMetrics().store.pending, 0);
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
