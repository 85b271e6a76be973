import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createProductionConfig } from '13byte-config';
import { suite } from './harness/suite.mjs';

export default suite('update', {
  'several changes are one change'(t) {
    const config = open(t);
    config.enableFeature('debug');
    const { generation } = config.getDebugView();
    const changed = config.update((draft) => {
      draft.enable('metrics', 'caching');
      draft.disable('debug');
      draft.set('logging', true);
      draft.terminal(3, 50, 120);
    });
    assert.equal(changed, true);
    assert.deepEqual(config.getEnabledFeatures(), ['metrics', 'logging', 'caching']);
    assert.deepEqual(config.getTerminalSettings(), { mode: 3, rows: 50, cols: 120 });
    assert.equal(config.getDebugView().generation, generation + 1);
  },

  'nothing is visible before the end'(t) {
    const config = open(t);
    const before = config.getDebugView();
    config.update((draft) => {
      draft.enable('debug');
      draft.terminal(1, 1, 1);
      assert.equal(config.isFeatureEnabled('debug'), false);
      assert.equal(config.getDebugView(), before);
    });
    assert.equal(config.isFeatureEnabled('debug'), true);
  },

  'an update without effect changes nothing'(t) {
    const config = open(t);
    config.enableFeature('debug');
    const before = config.getDebugView();
    assert.equal(
      config.update(() => {}),
      false,
    );
    assert.equal(
      config.update((draft) => draft.enable()),
      false,
    );
    assert.equal(
      config.update((draft) => {
        draft.enable('debug');
        draft.disable('verbose');
        draft.terminal(2, 24, 80);
      }),
      false,
    );
    assert.equal(config.getDebugView(), before);
  },

  'of changes that contradict each other the later counts'(t) {
    const config = open(t);
    config.enableFeature('verbose');
    config.update((draft) => {
      draft.enable('debug');
      draft.disable('debug', 'verbose');
      draft.set('verbose', true);
      draft.terminal(0, 1, 1);
      draft.terminal(3, 2, 2);
    });
    assert.deepEqual(config.getEnabledFeatures(), ['verbose']);
    assert.deepEqual(config.getTerminalSettings(), { mode: 3, rows: 2, cols: 2 });
  },

  async 'a switch and its rollout are one change, of which listeners hear at once'(t) {
    const config = open(t);
    const heard = once(config, 'change');
    const { generation } = config.getDebugView();
    assert.equal(config.update(rollOut), true);
    assert.deepEqual(config.getEnabledFeatures(), ['metrics', 'beta_feature']);
    assert.deepEqual([config.getRollout('beta_feature'), config.getRollout('debug')], [12.5, 1]);
    assert.equal(config.getDebugView().generation, generation + 1);
    assert.equal(config.update(rollOut), false);
    assert.equal(config.getDebugView().generation, generation + 1);
    const [{ enabled, rollouts, local }] = await heard;
    assert.deepEqual([enabled, local], [['metrics', 'beta_feature'], true]);
    assert.deepEqual(rollouts, { beta_feature: { from: 100, to: 12.5 }, debug: { from: 100, to: 1 } });
  },

  'a rollout that is not valid changes nothing'(t) {
    const config = open(t);
    const before = config.getDebugView();
    const fails = (edit, expected) => assert.throws(() => config.update(edit), expected);
    fails((draft) => draft.enable('debug', { rollout: 100.5 }), { code: 'ERR_OUT_OF_RANGE' });
    fails((draft) => draft.enable('debug', { percent: 1 }), { code: 'ERR_UNKNOWN_OPTION' });
    fails((draft) => draft.rollout('debug', '10'), { code: 'ERR_INVALID_TYPE' });
    fails((draft) => draft.rollout('nope', 10), { code: 'ERR_UNKNOWN_FEATURE' });
    assert.equal(config.getDebugView(), before);
  },

  'when the function throws, nothing has changed'(t) {
    const config = open(t);
    const before = config.getDebugView();
    const error = new Error('not today');
    assert.throws(
      () =>
        config.update((draft) => {
          draft.enable('debug');
          draft.terminal(1, 1, 1);
          throw error;
        }),
      (thrown) => thrown === error,
    );
    assert.equal(config.getDebugView(), before);
  },

  'when one of the changes is refused, none is made'(t) {
    const config = open(t);
    const before = config.getDebugView();
    for (const [edit, code] of [
      [(draft) => draft.enable('debug', 'debgu'), 'ERR_UNKNOWN_FEATURE'],
      [
        (draft) => {
          draft.terminal(1, 1, 1);
          draft.disable('debgu');
        },
        'ERR_UNKNOWN_FEATURE',
      ],
      [
        (draft) => {
          draft.enable('debug');
          draft.set('verbose', 1);
        },
        'ERR_INVALID_TYPE',
      ],
      [
        (draft) => {
          draft.enable('debug');
          draft.terminal(1, 0, 1);
        },
        'ERR_OUT_OF_RANGE',
      ],
    ]) {
      assert.throws(() => config.update(edit), { code });
    }
    assert.equal(config.getDebugView(), before);
  },

  async 'an async function is refused, and its changes are not made'(t) {
    const config = open(t);
    const before = config.getDebugView();
    const error = {
      name: 'TypeError',
      code: 'ERR_INVALID_TYPE',
      message: 'Invalid update: an async function (must make its changes before it returns)',
    };
    assert.throws(() => config.update(async (draft) => draft.enable('debug')), error);
    // Its rejection is nobody's: it must not surface as an unhandled one, which would fail this run.
    assert.throws(
      () =>
        config.update(async () => {
          throw new Error('later');
        }),
      error,
    );
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(config.getDebugView(), before);
  },

  'anything but a function is refused'(t) {
    const config = open(t);
    for (const [value, shown] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [{ enable: ['debug'] }, 'an instance of Object'],
      ['debug', '"debug"'],
    ]) {
      assert.throws(() => config.update(value), {
        name: 'TypeError',
        code: 'ERR_INVALID_TYPE',
        message: `Invalid update: ${shown} (must be a function)`,
      });
    }
  },

  'what the function itself flips is kept'(t) {
    const config = open(t);
    config.update((draft) => {
      draft.enable('debug');
      config.enableFeature('metrics');
      config.setTerminalSettings(1, 30, 90);
    });
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'metrics']);
    assert.deepEqual(config.getTerminalSettings(), { mode: 1, rows: 30, cols: 90 });
  },

  'updates may nest, each all or nothing'(t) {
    const config = open(t);
    config.update((outer) => {
      outer.enable('debug');
      assert.throws(() => config.update((inner) => inner.enable('verbose', 'debgu')), { code: 'ERR_UNKNOWN_FEATURE' });
      config.update((inner) => inner.enable('metrics'));
    });
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'metrics']);
  },
});

function open(t) {
  const config = createProductionConfig();
  t.after(() => config.close());
  return config;
}

function rollOut(draft) {
  draft.enable('beta_feature', { rollout: 12.5 });
  draft.rollout('debug', 1);
  draft.enable('metrics', {});
  draft.terminal(1, 2, 3);
}
