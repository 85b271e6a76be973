import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createProductionConfig, DEFAULT_FEATURES } from '13byte-config';
import { tell } from './children/tell.mjs';
import { suite } from './harness/suite.mjs';

// Programs with different lists of features share a database: bits belong to names, and opening only appends.

const SHOP = ['checkout', 'search', 'reviews'];
const MOBILE = ['push', 'reviews', 'checkout'];

export default suite('sharing', {
  ...Object.fromEntries(
    [
      ['shop', 'mobile'],
      ['mobile', 'shop'],
    ].map(([first, second]) => [
      `programs with different lists keep each other's features, ${first} first`,
      async (t) => {
        const persistPath = join(t.tempDir(), 'config.db');
        const lists = { shop: SHOP, mobile: MOBILE };
        const [shop, mobile] = [t.spawn('program.mjs'), t.spawn('program.mjs')];
        const programs = { shop, mobile };
        for (const program of [first, second]) {
          await tell(programs[program], 'open', { persistPath, features: lists[program], actor: program });
        }
        const names = [...new Set([...lists[first], ...lists[second]])];

        // The shop turns on one feature of its own and one that both have.
        await tell(shop, 'enableFeature', 'search');
        await tell(shop, 'enableFeature', 'checkout');
        assert.deepEqual((await tell(shop, 'persist', 'shop opens')).changes.toSorted(), ['+checkout', '+search']);

        // The other program sees the one that both have under its own name, and the shop's own one as well.
        assert.equal(await tell(mobile, 'load'), true);
        assert.equal(await tell(mobile, 'isFeatureEnabled', 'checkout'), true);
        assert.equal(await tell(mobile, 'isFeatureEnabled', 'push'), false);
        assert.equal(await tell(mobile, 'isFeatureEnabled', 'reviews'), false);
        assert.equal(await tell(mobile, 'isFeatureEnabled', 'search'), true);
        assert.deepEqual(await tell(mobile, 'getFeatureNames'), names);

        // What it persists keeps what it never heard of.
        await tell(mobile, 'enableFeature', 'push');
        await tell(mobile, 'disableFeature', 'checkout');
        assert.deepEqual((await tell(mobile, 'persist', 'mobile opens')).changes.toSorted(), ['+push', '-checkout']);

        // And the shop finds its own features as they were, and the other program's by name.
        await tell(shop, 'load');
        assert.deepEqual(
          await tell(shop, 'getEnabledFeatures'),
          names.filter((name) => ['search', 'push'].includes(name)),
        );
        assert.deepEqual(await tell(shop, 'getFeatureNames'), names);
        assert.deepEqual(await tell(shop, 'validate'), { isValid: true, errors: [] });
        const history = await tell(shop, 'getHistory');
        assert.deepEqual(
          history.map(({ actor, changes }) => [actor, changes.toSorted()]),
          [
            ['mobile', ['+push', '-checkout']],
            ['shop', ['+checkout', '+search']],
          ],
        );

        // Restarts, in whatever order and with whatever list, change none of it.
        for (const features of [SHOP, MOBILE, SHOP.toReversed(), ['search'], undefined]) {
          const config = createProductionConfig({ persistPath, ...(features && { features }) });
          assert.deepEqual(config.getFeatureNames(), names);
          assert.deepEqual(config.getEnabledFeatures().toSorted(), ['push', 'search']);
          await config.close();
        }
      },
    ]),
  ),

  async 'with a shared live state they see each other at once, by name'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true };
    const shop = open(t, { ...options, features: SHOP });
    shop.enableFeature('search');
    const mobile = t.spawn('program.mjs');
    await tell(mobile, 'open', { ...options, features: MOBILE });
    assert.equal(await tell(mobile, 'isFeatureEnabled', 'push'), false);
    assert.deepEqual(await tell(mobile, 'getEnabledFeatures'), ['search']);
    await tell(mobile, 'enableFeature', 'checkout');
    assert.equal(shop.isFeatureEnabled('checkout'), true);
    await tell(mobile, 'enableFeature', 'push');
    assert.deepEqual(shop.getEnabledFeatures(), ['checkout', 'search', 'push']);
    assert.equal(shop.disableFeature('push'), true, 'a name that the other program has added');
    assert.equal(await tell(mobile, 'isFeatureEnabled', 'push'), false);
    assert.deepEqual((await shop.persist('both')).changes, ['+checkout', '+search']);
  },

  async 'names that another program appends are known after load or getHistory'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    for (const look of ['load', 'getHistory']) {
      const config = open(t, { persistPath, features: ['a'] });
      await config.persist('before');
      const name = `appended_for_${look}`;
      assert.throws(() => config.isFeatureEnabled(name), { code: 'ERR_UNKNOWN_FEATURE' });
      const view = config.getDebugView();

      const other = t.spawn('program.mjs');
      await tell(other, 'open', { persistPath, features: ['z', name] });
      await config[look]();
      assert.equal(config.isFeatureEnabled(name), false, 'no feature is born enabled');
      assert.equal(config.enableFeature(name), true);
      assert.deepEqual(config.getEnabledFeatures(), [name]);
      assert.notEqual(config.getDebugView(), view);
      assert.notEqual(config.registryHash, view.registryHash);
      assert.throws(() => config.isFeatureEnabled('nobody'), {
        message: `Unknown feature: nobody. Available: ${config.getFeatureNames().join(', ')}`,
      });
      assert.deepEqual((await config.persist('after')).changes, [`+${name}`]);
      config.disableFeature(name);
      await config.persist('off again');
    }
  },

  async 'a longer list appends, and a shorter or reordered one keeps every bit'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const first = createProductionConfig({ persistPath, features: ['a', 'b', 'c'] });
    first.enableFeature('a');
    first.enableFeature('c');
    await first.persist('a and c');
    await first.close();
    for (const [features, names] of [
      [
        ['c', 'b', 'a'],
        ['a', 'b', 'c'],
      ],
      [['b'], ['a', 'b', 'c']],
      [
        ['d', 'a'],
        ['a', 'b', 'c', 'd'],
      ],
      [
        ['e', 'c', 'f'],
        ['a', 'b', 'c', 'd', 'e', 'f'],
      ],
    ]) {
      const config = createProductionConfig({ persistPath, features });
      assert.deepEqual(config.getFeatureNames(), names);
      assert.equal(config.featureFlags, 0b101);
      assert.deepEqual(config.getEnabledFeatures(), ['a', 'c']);
      await config.close();
    }
  },

  async 'without a list an existing table is used, and the default names go into a new one'(t) {
    const directory = t.tempDir();
    const custom = open(t, { persistPath: join(directory, 'custom.db'), features: ['only'] });
    assert.deepEqual(custom.getFeatureNames(), ['only']);
    assert.deepEqual(open(t, { persistPath: join(directory, 'custom.db') }).getFeatureNames(), ['only']);
    assert.deepEqual(open(t, { persistPath: join(directory, 'new.db') }).getFeatureNames(), [...DEFAULT_FEATURES]);
  },

  async 'all environments of a file share one table'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    open(t, { persistPath, environment: 'staging', features: ['a', 'b'] });
    const production = open(t, { persistPath, environment: 'production', features: ['b', 'c'] });
    assert.deepEqual(production.getFeatureNames(), ['a', 'b', 'c']);
    production.enableFeature('c');
    assert.equal(production.featureFlags, 0b100);
  },

  async 'the last bit goes to the first name without one, and is seen by all'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const names = Array.from({ length: 255 }, (_, index) => `f${index}`);
    const config = open(t, { persistPath, features: names });
    config.enableFeature('f254');
    await config.persist('full but one');

    const other = t.spawn('program.mjs');
    await tell(other, 'open', { persistPath, features: ['f0', 'one_more', 'too_many'] });
    await config.load();
    assert.deepEqual(config.getFeatureNames(), [...names, 'one_more']);
    assert.deepEqual(config.getEnabledFeatures(), ['f254']);
    assert.equal(config.enableFeature('one_more'), true);
    assert.equal(config.getCore(7).featureFlags, 2 ** 31 + 2 ** 30);
    await config.persist('full');
    assert.equal((await config.getHistory(1))[0].configHex.slice(2 + 26 * 7 + 10, 2 + 26 * 7 + 18), '000000c0');
  },

  async 'going back spares the features that the revision did not know'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const old = createProductionConfig({ persistPath, features: ['a', 'b'] });
    old.enableFeature('a');
    await old.persist('a');
    await old.close();

    const config = open(t, { persistPath, features: ['a', 'b', 'new'] });
    config.enableFeature('new');
    config.disableFeature('a');
    config.enableFeature('b');
    await config.persist('new is there');
    const entry = await config.rollback(1);
    assert.deepEqual(config.getEnabledFeatures(), ['a', 'new']);
    assert.deepEqual(entry.changes, ['+a', '-b'], 'and says so');
    assert.equal(entry.configHex, config.toHex());

    const reader = open(t, { persistPath, autoLoad: false });
    assert.equal(await reader.load(), true);
    assert.deepEqual(reader.getEnabledFeatures(), ['a', 'new']);
  },

  async 'loading spares the features that the revision did not know'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const old = createProductionConfig({ persistPath, features: ['a', 'b'] });
    old.enableFeature('a');
    await old.persist('a');
    await old.close();
    const config = open(t, { persistPath, features: ['new'] });
    assert.deepEqual(config.getEnabledFeatures(), ['a']);
    config.enableFeature('new');
    config.disableFeature('a');
    config.enableFeature('b');
    await config.load();
    assert.deepEqual(config.getEnabledFeatures(), ['a', 'new']);
  },

  async 'the hash in the history tells the table at that time, and is never restored'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const old = createProductionConfig({ persistPath, features: ['a', 'b', 'c'] });
    await old.persist('three');
    assert.equal(old.registryHash, 0x2058_86c9);
    await old.close();
    const config = open(t, { persistPath, features: ['d'] });
    const hash = config.registryHash;
    assert.notEqual(hash, 0x2058_86c9);
    await config.persist('four');
    await config.rollback(1);
    assert.equal(config.registryHash, hash);
    await config.load();
    assert.equal(config.registryHash, hash);
    const [back, four, three] = await config.getHistory();
    assert.equal(three.configHex.slice(4, 12), 'c9865820');
    assert.notEqual(four.configHex.slice(4, 12), 'c9865820');
    assert.equal(back.configHex.slice(4, 12), four.configHex.slice(4, 12));
  },

  async 'two processes write the same history, each revision once and in order'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const programs = [t.spawn('program.mjs'), t.spawn('program.mjs')];
    await Promise.all(
      programs.map((program, index) => tell(program, 'open', { persistPath, actor: `writer ${index}` })),
    );
    const rounds = 25;
    const written = await Promise.all(
      programs.map(async (program, index) => {
        const revisions = [];
        for (let round = 0; round < rounds; round += 1) {
          await tell(program, 'toggleFeature', 'debug');
          const { revision, changeReason } = await tell(program, 'persist', `${index}.${round}`);
          revisions.push([revision, changeReason]);
        }
        return revisions;
      }),
    );
    const config = open(t, { persistPath });
    const history = (await config.getHistory(100)).toReversed();
    assert.deepEqual(
      history.map(({ revision }) => revision),
      Array.from({ length: 2 * rounds }, (_, index) => index + 1),
    );
    assert.deepEqual(
      history.map(({ revision, changeReason }) => [revision, changeReason]),
      written.flat().toSorted(([a], [b]) => a - b),
    );
  },

  async 'threads of a process write the same history, each revision once and in order'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath });
    const [threads, count] = [4, 25];
    const workers = Array.from({ length: threads }, (_, index) => {
      const workerData = { persistPath, name: `thread ${index}`, count };
      return new Worker(new URL('./children/persist-some.mjs', import.meta.url), { workerData });
    });
    const exits = Promise.all(workers.map((worker) => once(worker, 'exit')));
    const mine = Array.from({ length: count }, (_, index) => config.persist(`main.${index}`));
    const told = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
    await exits;
    const own = (await Promise.all(mine)).map(({ revision, changeReason }) => [revision, changeReason]);
    const written = [...told, own];
    for (const revisions of written) {
      assert.deepEqual(
        revisions,
        revisions.toSorted(([a], [b]) => a - b),
        'in call order',
      );
    }
    const history = (await config.getHistory(1000))
      .map(({ revision, changeReason }) => [revision, changeReason])
      .toReversed();
    assert.deepEqual(
      history,
      written.flat().toSorted(([a], [b]) => a - b),
    );
    assert.deepEqual(
      history.map(([revision]) => revision),
      Array.from({ length: (threads + 1) * count }, (_, index) => index + 1),
    );
    assert.equal((await config.persist('the threads are gone')).revision, history.length + 1);
  },

  async 'ten processes that create the same file at once agree on its table'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const programs = Array.from({ length: 10 }, () => t.spawn('program.mjs'));
    await Promise.all(
      programs.map((program, index) => tell(program, 'open', { persistPath, features: ['common', `own_${index}`] })),
    );
    const tables = await Promise.all(
      programs.map(async (program, index) => {
        await tell(program, 'enableFeature', `own_${index}`);
        await tell(program, 'persist', `own_${index}`);
        await tell(program, 'getHistory');
        return tell(program, 'getFeatureNames');
      }),
    );
    const longest = tables.toSorted((a, b) => b.length - a.length)[0];
    assert.deepEqual(longest.toSorted(), ['common', ...programs.map((_, index) => `own_${index}`)].toSorted());
    for (const table of tables) assert.deepEqual(table, longest);
    const config = open(t, { persistPath });
    // Each revision keeps its own program's feature, under the name it was persisted by.
    for (const { changeReason, configHex } of await config.getHistory(100)) {
      const flags = Number.parseInt(configHex.slice(12, 20).match(/../g).toReversed().join(''), 16);
      assert.ok((flags >>> longest.indexOf(changeReason)) & 1, `${changeReason} in ${configHex}`);
    }
  },
});

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}
