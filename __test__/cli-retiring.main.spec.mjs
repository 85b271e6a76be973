// The commands about features that no program needs any more.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { compactNames, createProductionConfig } from '13byte-config';
import { failure, print, production, result, run } from './harness/command-line.mjs';
import { suite } from './harness/suite.mjs';

export default suite('command line: retiring', {
  async 'features are retired, listed and revived'(t) {
    const persistPath = await database(t);
    const to = production(persistPath);
    assert.equal(await print(t, ['retire', ...to]), 'no feature is retired\n');
    assert.deepEqual(await result(t, ['retire', ...to]), { database: persistPath, retired: [] });

    const retired = await result(t, ['retire', 'old', 'older', ...to]);
    assert.deepEqual(
      [retired.changed, retired.persisted, retired.revision, retired.retired.map(({ name, bit }) => [name, bit])],
      [
        true,
        true,
        2,
        [
          ['old', 1],
          ['older', 2],
        ],
      ],
    );
    const [last] = (await result(t, ['history', ...to])).revisions;
    assert.deepEqual([last.reason, last.changes], ['13byte-config retire old older', []]);
    assert.deepEqual(
      (await result(t, ['status', ...to])).features.map(({ name }) => name),
      ['current'],
    );
    const { stdout } = await run(t, ['export', ...to]);
    assert.deepEqual(Object.keys(JSON.parse(stdout).environments.production.features), ['current']);
    assert.match(await print(t, ['retire', ...to]), /^old\t1\t20.*Z\nolder\t2\t20.*Z\n$/);

    for (const command of [['get'], ['describe'], ['enable'], ['rollout'], ['retire', 'current']]) {
      const { code, message } = await failure(t, 2, [...command, 'old', ...to]);
      assert.equal(code, 'ERR_UNKNOWN_FEATURE');
      assert.equal(message, 'Feature old is retired. Take that back with: revive old', command[0]);
    }
    assert.match(await print(t, ['revive', 'old', ...to]), /^old is revived\n.*persisted as revision 3/s);
    assert.deepEqual(
      (await result(t, ['status', ...to])).features.map(({ name }) => name),
      ['current', 'old'],
    );
  },

  async 'what cannot be retired is refused, and nothing is'(t) {
    const persistPath = await database(t);
    const to = production(persistPath);
    const on = await failure(t, 1, ['retire', 'current', 'old', ...to]);
    assert.equal(on.code, 'ERR_FEATURE_ON');
    assert.match(on.message, /^Features that are on are not retired: current \(on in the live state, production;/);
    const unknown = await failure(t, 2, ['retire', 'olt', ...to]);
    assert.match(unknown.message, /^Unknown feature: olt\. Did you mean old\?/);
    const present = await failure(t, 2, ['revive', 'old', ...to]);
    assert.equal(present.message, 'Feature old is not retired');
    const strange = await failure(t, 2, ['revive', 'olt', ...to]);
    assert.equal(strange.message, 'Unknown feature: olt. Available: none');
    assert.equal((await failure(t, 2, ['retire', 'old', '--no-persist', ...to])).code, 'ERR_USAGE');
    assert.equal((await failure(t, 2, ['retire', 'old', '--create', ...to])).code, 'ERR_USAGE');
    assert.equal((await failure(t, 5, ['retire', 'old', '--if-revision', '9', ...to])).code, 'ERR_REVISION_CONFLICT');
    assert.deepEqual((await result(t, ['retire', ...to])).retired, []);
    assert.match(await print(t, ['retire', 'current', '--force', ...to]), /^current is retired\n/);
  },

  async 'programs with few names and with many share a database with the command line'(t) {
    const persistPath = await database(t);
    const options = { persistPath, environment: 'production', enableClusterSync: true };
    const names = Array.from({ length: 220 }, (_, index) => `feature_${index}`);
    const few = createProductionConfig({ ...options, features: names.slice(0, 20) });
    t.after(() => few.close());
    const many = createProductionConfig({ ...options, features: names.slice(20) });
    t.after(() => many.close());
    many.enableFeature(names[219]);
    await many.persist('by many');
    const to = production(persistPath);
    await result(t, ['enable', names[3], names[150], ...to]);
    for (const config of [few, many]) {
      assert.deepEqual(config.getEnabledFeatures(), ['current', names[3], names[150], names[219]]);
      assert.deepEqual(config.getFeatureNames(), ['current', 'old', 'older', ...names]);
    }
    const status = await result(t, ['status', '--match', 'feature_15*', ...to]);
    assert.deepEqual(
      status.features.map(({ name, enabled }) => [name, enabled]),
      ['feature_15', ...names.slice(150, 160)].map((name) => [name, name === names[150]]),
    );
    assert.equal((await result(t, ['describe', names[219], ...to])).bit, 222);
  },

  async 'retired features are forgotten while nobody has the database open'(t) {
    const persistPath = await database(t);
    const to = production(persistPath);
    const config = createProductionConfig({ persistPath, environment: 'production' });
    config.setRollout('older', 30);
    await config.persist('older for some');
    await config.retireFeature('old');
    // Once: two commands at a time may name each other.
    const busy = await run(t, ['compact', '--db', persistPath]);
    assert.equal(busy.code, 1);
    assert.match(busy.stderr, /is open in other programs.*Nothing was changed \(ERR_STORE_IN_USE\)\n$/);
    await assert.rejects(compactNames(persistPath), { code: 'ERR_STORE_IN_USE' });
    await config.close();

    assert.deepEqual(await result(t, ['compact', '--db', persistPath]), { database: persistPath, forgotten: ['old'] });
    assert.equal(await print(t, ['compact', '--db', persistPath]), 'no feature is retired\n');
    assert.deepEqual(await compactNames(persistPath, { actor: 'me' }), []);
    assert.equal((await failure(t, 3, ['compact', '--db', `${persistPath}.no`])).code, 'ERR_STORE_NOT_FOUND');
    const older = await result(t, ['describe', 'older', ...to]);
    assert.deepEqual([older.bit, older.rollout], [1, 30]);
    const { revisions } = await result(t, ['history', ...to]);
    assert.deepEqual(
      revisions.map(({ reason, changes }) => [reason, changes]),
      [
        ['names moved to other bits', []],
        ['retired old', []],
        ['older for some', ['older 100% → 30%']],
        ['first', ['+current']],
      ],
    );
    const diff = await result(t, ['diff', '1', '4', ...to]);
    assert.deepEqual(diff.changes, ['older 100% → 30%']);
    // Going back takes it for what it was, on its new bit.
    await result(t, ['rollback', '1', ...to]);
    assert.equal((await result(t, ['describe', 'older', ...to])).rollout, 100);
    assert.equal((await result(t, ['verify', '--db', persistPath])).ok, true);
  },

  async 'names are completed'(t) {
    const persistPath = await database(t);
    const to = production(persistPath);
    await result(t, ['retire', 'old', ...to]);
    const complete = async (command) => (await run(t, ['__complete', command, ...to, ''])).stdout.trim().split('\n');
    assert.deepEqual(await complete('retire'), ['current', 'older']);
    assert.deepEqual(await complete('revive'), ['old']);
  },
});

async function database(t) {
  const persistPath = join(t.tempDir(), 'config.db');
  const config = createProductionConfig({
    persistPath,
    environment: 'production',
    features: ['current', 'old', 'older'],
  });
  config.enableFeature('current');
  await config.persist('first');
  await config.close();
  return persistPath;
}
