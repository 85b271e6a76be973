import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { startProcess } from './children/peers.mjs';
import { makeRandom } from './children/random.mjs';
import { suite } from './harness/suite.mjs';

const NAMES = ['a', 'b', 'c'];
const TERMINAL = { mode: 1, rows: 30, cols: 90 };
const on = (rollout = 100) => ({ enabled: true, rollout });
const off = (rollout = 100) => ({ enabled: false, rollout });

export default suite('apply', {
  'the state is by name, in bit order'(t) {
    const config = open(t);
    config.enableFeature('b');
    config.setRollout('b', 12.34);
    config.setRollout('c', 0);
    config.setTerminalSettings(1, 30, 90);
    assert.deepEqual(config.getState(), { terminal: TERMINAL, features: { a: off(), b: on(12.34), c: off(0) } });
    assert.deepEqual(Object.keys(config.getState().features), NAMES);
    assert.notEqual(config.getState(), config.getState(), 'its own copy each time');
    // The highest bit has a sign in JavaScript.
    const many = open(t, { features: Array.from({ length: 32 }, (_, bit) => `f${bit}`) });
    many.enableFeature('f31');
    many.setRollout('f31', 1);
    assert.deepEqual(
      Object.entries(many.getState().features).filter(([, { enabled }]) => enabled),
      [['f31', on(1)]],
    );
  },

  async 'a state becomes one revision, and live'(t) {
    const config = open(t, { persistPath: join(t.tempDir(), 'config.db'), actor: 'the tests' });
    config.enableFeature('a');
    config.enableFeature('c');
    await config.persist('before');
    config.setRollout('c', 7);
    const entry = await config.apply({ terminal: TERMINAL, features: { a: off(5), b: on(50) } }, 'from git', {
      actor: 'alice',
    });
    assert.deepEqual(
      [entry.revision, entry.changeReason, entry.actor, entry.restoredFrom],
      [2, 'from git', 'alice', null],
    );
    assert.deepEqual(entry.changes, ['+b', '-a', 'a 100% → 5%', 'b 100% → 50%', 'terminal raw 24x80 → cooked 30x90']);
    assert.deepEqual(
      config.getState(),
      { terminal: TERMINAL, features: { a: off(5), b: on(50), c: on(7) } },
      'c stays as it is, and nobody has persisted that',
    );
    assert.equal(config.getDebugView().revision, 2);
    assert.deepEqual(
      (await config.getHistory()).map(({ revision }) => revision),
      [2, 1],
    );
    const byDefault = await config.apply({ terminal: TERMINAL, features: { a: on(5) } });
    assert.deepEqual([byDefault.changeReason, byDefault.actor], ['applied', 'the tests']);
    assert.equal((await config.rollback()).restoredFrom, 2);
    assert.equal(config.isFeatureEnabled('a'), false);
  },

  async 'what one config has, another one takes over exactly'(t) {
    const [from, to] = ['from', 'to'].map((name) =>
      open(t, {
        persistPath: join(t.tempDir(), `${name}.db`),
        // Their bits are others.
        features: Array.from({ length: 32 }, (_, index) => `f${name === 'to' ? 31 - index : index}`),
      }),
    );
    // Reproducible, and different from bit to bit.
    const { below: random } = makeRandom(13);
    for (let round = 0; round < 20; round += 1) {
      for (const name of from.getFeatureNames()) {
        from.setFeature(name, random(2) === 1);
        from.setRollout(name, random(10_001) / 100);
      }
      from.setTerminalSettings(random(4), 1 + random(255), 1 + random(255));
      await to.apply(from.getState());
      assert.deepEqual(to.getState(), from.getState());
    }
  },

  async 'a state that is recorded already is not recorded again'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath });
    const state = { terminal: TERMINAL, features: { a: on(5) } };
    const first = await config.apply(state, 'once', { ifRevision: 0 });
    assert.deepEqual(await config.apply(state, 'twice', { ifRevision: 1 }), first);
    // What is live and not persisted gives way to it all the same.
    config.disableFeature('a');
    assert.deepEqual(await config.apply(state, 'thrice'), first);
    assert.equal(config.isFeatureEnabled('a'), true);
    assert.equal((await open(t, { persistPath }).getHistory()).length, 1);
  },

  async 'a state that is refused changes nothing'(t) {
    const config = open(t, { persistPath: join(t.tempDir(), 'config.db') });
    await config.persist('before');
    const before = config.getDebugView();
    const features = { a: on(5) };
    for (const [state, expected] of [
      [undefined, { code: 'ERR_INVALID_TYPE', message: 'Invalid state: undefined (must be an object)' }],
      [[], { code: 'ERR_INVALID_TYPE' }],
      [{ features }, { code: 'ERR_INVALID_TYPE', message: 'Invalid terminal: undefined (must be an object)' }],
      [
        { terminal: TERMINAL },
        { code: 'ERR_INVALID_TYPE', message: 'Invalid features: undefined (must be an object)' },
      ],
      [{ terminal: TERMINAL, features, rollouts: {} }, { code: 'ERR_UNKNOWN_OPTION' }],
      [
        { terminal: { ...TERMINAL, rows: 0 }, features },
        { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' },
      ],
      [{ terminal: { mode: 1, rows: 30 }, features }, { code: 'ERR_INVALID_TYPE' }],
      [{ terminal: { ...TERMINAL, row: 1 }, features }, { code: 'ERR_UNKNOWN_OPTION' }],
      [{ terminal: TERMINAL, features: [] }, { code: 'ERR_INVALID_TYPE' }],
      [
        { terminal: TERMINAL, features: { a: on(5), d: on() } },
        { code: 'ERR_UNKNOWN_FEATURE', message: 'Unknown feature: d. Available: a, b, c' },
      ],
      [
        { terminal: TERMINAL, features: JSON.parse('{"__proto__":{"enabled":true,"rollout":1}}') },
        { code: 'ERR_UNKNOWN_FEATURE' },
      ],
      [{ terminal: TERMINAL, features: { a: true } }, { code: 'ERR_INVALID_TYPE' }],
      [{ terminal: TERMINAL, features: { a: { enabled: 1, rollout: 1 } } }, { code: 'ERR_INVALID_TYPE' }],
      [{ terminal: TERMINAL, features: { a: { enabled: true } } }, { code: 'ERR_INVALID_TYPE' }],
      [{ terminal: TERMINAL, features: { a: { enabled: true, rollout: 1, key: 1 } } }, { code: 'ERR_UNKNOWN_OPTION' }],
      [{ terminal: TERMINAL, features: { b: on(), a: on(100.001) } }, { code: 'ERR_OUT_OF_RANGE' }],
      [{ terminal: TERMINAL, features: { a: on(Number.NaN) } }, { code: 'ERR_OUT_OF_RANGE' }],
    ]) {
      await assert.rejects(config.apply(state), expected);
    }
    const state = { terminal: TERMINAL, features };
    await assert.rejects(config.apply(state, ''), { code: 'ERR_INVALID_VALUE' });
    await assert.rejects(config.apply(state, 'why', { ifrevision: 1 }), { code: 'ERR_UNKNOWN_OPTION' });
    await assert.rejects(config.apply(state, 'why', { ifRevision: 0 }), { code: 'ERR_REVISION_CONFLICT' });
    assert.equal(config.getDebugView(), before);
    assert.equal((await config.getHistory()).length, 1);
    await assert.rejects(open(t).apply(state), { code: 'ERR_PERSISTENCE_DISABLED' });
    const reader = open(t, { persistPath: before.store.path, readOnly: true });
    await assert.rejects(reader.apply(state), { code: 'ERR_READ_ONLY' });
    assert.deepEqual(reader.getState().features.a, off());
  },

  async 'everybody who shares the state has it at once, as one change'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true, features: NAMES };
    const config = open(t, options);
    const peer = startProcess();
    t.after(() => peer.stop());
    await peer.tell('open', options);
    await peer.tell('enableFeature', 'c');
    const told = once(config, 'change');
    const entry = await config.apply({ terminal: TERMINAL, features: { a: on(5), b: off(50) } });
    assert.deepEqual(entry.changes, ['+a', 'a 100% → 5%', 'b 100% → 50%', 'terminal raw 24x80 → cooked 30x90']);
    assert.deepEqual(await peer.tell('getState'), { terminal: TERMINAL, features: { a: on(5), b: off(50), c: on() } });
    const [{ enabled, rollouts, terminal }] = await told;
    assert.deepEqual([enabled, terminal.to], [['a'], TERMINAL]);
    assert.deepEqual(rollouts, { a: { from: 100, to: 5 }, b: { from: 100, to: 50 } });
    // What a peer persists of what it had before does not hide it.
    assert.equal((await peer.tell('persist')).revision, 2);
    assert.equal(config.getDebugView().revision, 2);
  },
});

function open(t, options) {
  const config = createProductionConfig({ features: NAMES, ...options });
  t.after(() => config.close());
  return config;
}
