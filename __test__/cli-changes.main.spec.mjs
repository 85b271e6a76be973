import assert from 'node:assert/strict';
import {
  database,
  failure,
  forEach,
  history,
  NOBODY_ELSE,
  print,
  production,
  result,
} from './harness/command-line.mjs';
import { suite } from './harness/suite.mjs';

export default suite('command line: rollout, terminal, persist', {
  async 'rollout shows a percentage, and sets it'(t) {
    const persistPath = await database(t);
    const options = production(persistPath);
    assert.equal(await print(t, ['rollout', 'metrics', ...options]), 'metrics is rolled out to 100%\n');
    const shown = await result(t, ['rollout', 'beta_feature', ...options]);
    assert.deepEqual(shown, {
      database: persistPath,
      cluster: null,
      environment: 'production',
      live: false,
      changed: false,
      name: 'beta_feature',
      enabled: false,
      rollout: 100,
      previous: 100,
      persisted: true,
      revision: 1,
      openIn: NOBODY_ELSE,
    });
    const set = await result(t, ['rollout', 'beta_feature', '0.5', ...options]);
    assert.deepEqual([set.changed, set.rollout, set.previous, set.persisted, set.revision], [true, 0.5, 100, true, 2]);
    assert.equal(
      await print(t, ['rollout', 'beta_feature', '10%', ...options]),
      'beta_feature is rolled out to 10%, but is off\nno running program shares the live state; persisted as revision 3\n',
    );
    // A rollout is not in the 13 bytes, and is known to be persisted all the same.
    assert.equal((await result(t, ['rollout', 'beta_feature', '10', ...options])).revision, 3);
    const [third] = await history(persistPath);
    assert.deepEqual(
      [third.changeReason, third.changes],
      ['13byte-config rollout beta_feature 10', ['beta_feature 0.5% → 10%']],
    );
  },

  async 'rollouts that are none are refused'(t) {
    const persistPath = await database(t);
    await forEach(
      [
        [['metrics', '100.001'], 'ERR_OUT_OF_RANGE'],
        [['metrics', '101'], 'ERR_OUT_OF_RANGE'],
        [['metrics', 'NaN'], 'ERR_USAGE'],
        [['metrics', ''], 'ERR_USAGE'],
        // What begins with a dash is an option.
        [['metrics', '-1'], 'ERR_USAGE'],
        [['metrcs'], 'ERR_UNKNOWN_FEATURE'],
        [['metrcs', '5'], 'ERR_UNKNOWN_FEATURE'],
      ],
      async ([args, code]) => {
        assert.equal(
          (await failure(t, 2, ['rollout', ...args, ...production(persistPath)])).code,
          code,
          args.join(' '),
        );
      },
    );
    assert.equal((await history(persistPath)).length, 1);
  },

  async 'terminal shows the settings, and sets all three'(t) {
    const persistPath = await database(t);
    const options = production(persistPath);
    const cooked = { mode: 1, modeName: 'cooked', rows: 30, cols: 90 };
    assert.equal(await print(t, ['terminal', ...options]), 'cooked 30x90\n');
    const shown = await result(t, ['terminal', ...options]);
    assert.deepEqual([shown.changed, shown.terminal, shown.previous, shown.revision], [false, cooked, cooked, 1]);
    const set = await result(t, ['terminal', 'raw', '50', '120', ...options]);
    assert.deepEqual(
      [set.changed, set.terminal, set.previous, set.revision],
      [true, { mode: 2, modeName: 'raw', rows: 50, cols: 120 }, cooked, 2],
    );
    assert.equal(
      await print(t, ['terminal', '2', '50', '120', ...options]),
      'terminal is raw 50x120\nno running program shares the live state; persisted as revision 2\n',
    );
    assert.equal((await history(persistPath))[0].changeReason, '13byte-config terminal raw 50 120');
    for (const args of [
      ['pipe', '50', '120'],
      ['pipe', '51', '120'],
      ['pipe', '51', '121'],
    ]) {
      assert.equal((await result(t, ['terminal', ...args, ...options])).changed, true, args.join(' '));
    }
    const wrong = [
      ['raw'],
      ['raw', '50'],
      ['rwa', '50', '120'],
      ['4', '50', '120'],
      ['raw', '0', '120'],
      ['raw', '50', '256'],
    ];
    await forEach(wrong, async (args) => {
      assert.equal((await failure(t, 2, ['terminal', ...args, ...options])).code, 'ERR_USAGE', args.join(' '));
    });
    assert.equal((await history(persistPath)).length, 5);
  },

  async 'persist makes a revision of the live state'(t) {
    const persistPath = await database(t);
    const options = production(persistPath);
    const program = t.spawn('program.mjs');
    await program.send(JSON.stringify(['open', { persistPath, environment: 'production', enableClusterSync: true }]));
    await program.line();
    program.send(JSON.stringify(['enableFeature', 'debug']));
    await program.line();
    const { createdAt, openIn, ...persisted } = await result(t, [
      'persist',
      '--reason',
      'as it was',
      '--actor',
      'alice',
      ...options,
    ]);
    assert.deepEqual(persisted, {
      database: persistPath,
      cluster: null,
      environment: 'production',
      live: true,
      changed: false,
      persisted: true,
      revision: 2,
      reason: 'as it was',
      actor: 'alice',
      changes: ['+debug'],
    });
    assert.equal(openIn === null || openIn.some(({ pid, sharesLive }) => pid === program.pid && sharesLive), true);
    const [second] = await history(persistPath);
    assert.deepEqual([second.changeReason, second.createdAt.toISOString()], ['as it was', createdAt]);
    assert.equal(
      await print(t, ['persist', '--if-revision', '2', ...options]),
      'persisted as revision 3, the same as the one before\n',
    );
    assert.equal((await failure(t, 5, ['persist', '--if-revision', '2', ...options])).code, 'ERR_REVISION_CONFLICT');
    assert.equal((await failure(t, 2, ['persist', '--no-persist', ...options])).code, 'ERR_USAGE');
    assert.equal((await failure(t, 2, ['persist', '--cluster', 'shop'])).code, 'ERR_USAGE');
    assert.equal((await history(persistPath)).length, 3);
  },
});
