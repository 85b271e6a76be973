import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createDevelopmentConfig, createProductionConfig, DEFAULT_FEATURES } from '13byte-config';
import { readLiveFile, startProcess } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

const NAMES = ['a', 'b', 'c', 'd'];

export default suite('cluster', {
  async 'the first one starts from the last persisted state, and later ones never overwrite the live one'(t) {
    const options = {
      persistPath: join(t.tempDir(), 'config.db'),
      enableClusterSync: true,
      environment: 'eu',
      features: NAMES,
    };
    const before = createProductionConfig({ ...options, enableClusterSync: false });
    before.enableFeature('a');
    before.setTerminalSettings(1, 11, 11);
    await before.persist('persisted');
    await before.close();

    const [first, second] = [peer(t), peer(t)];
    await first.tell('open', options);
    assert.deepEqual(await first.tell('getEnabledFeatures'), ['a']);
    assert.deepEqual(await first.tell('getTerminalSettings'), { mode: 1, rows: 11, cols: 11 });
    assert.equal((await first.tell('getDebugView')).revision, 1);
    await first.tell('disableFeature', 'a');
    await first.tell('enableFeature', 'b');
    // With every option that says how to start.
    for (const [command, more] of [
      ['open', {}],
      ['open', { autoLoad: true }],
      ['open', { autoLoad: false }],
      ['develop', { features: undefined }],
      ['open', { readOnly: true }],
    ]) {
      await second.tell(command, { ...options, ...more });
      assert.deepEqual(await second.tell('getEnabledFeatures'), ['b'], JSON.stringify(more));
      assert.deepEqual(await second.tell('getTerminalSettings'), { mode: 1, rows: 11, cols: 11 });
      await second.tell('close');
    }
    assert.deepEqual(await first.tell('getEnabledFeatures'), ['b']);
    assert.equal((await first.tell('getDebugView')).generation, 2);

    // Live changes that nobody persisted end with the last process.
    await Promise.all([first.finish(), second.finish()]);
    assert.deepEqual(open(t, options).getEnabledFeatures(), ['a']);
  },

  async 'initial features count only for the first one, and only when nothing is persisted'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true };
    const first = createDevelopmentConfig(options);
    t.after(() => first.close());
    assert.deepEqual(first.getEnabledFeatures(), ['debug', 'verbose', 'logging']);
    first.featureFlags = 0;
    const second = peer(t);
    await second.tell('develop', options);
    assert.deepEqual(await second.tell('getEnabledFeatures'), []);
    assert.equal(first.getDebugView().generation, 1);

    const other = join(t.tempDir(), 'config.db');
    const persisted = createProductionConfig({ persistPath: other });
    await persisted.persist('nothing is on');
    await persisted.close();
    const third = peer(t);
    await third.tell('develop', { persistPath: other, enableClusterSync: true });
    assert.deepEqual(await third.tell('getEnabledFeatures'), []);
    await third.finish();
    await third.closed;
    const fourth = peer(t);
    await fourth.tell('develop', { persistPath: other, enableClusterSync: true, autoLoad: false });
    assert.deepEqual(
      await fourth.tell('getEnabledFeatures'),
      ['debug', 'verbose', 'logging'],
      'without loading, it is new',
    );
  },

  async 'environments of a database have a live state each'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const eu = open(t, { persistPath, environment: 'eu' });
    const us = open(t, { persistPath, environment: 'us' });
    eu.enableFeature('a');
    assert.deepEqual([eu.featureFlags, us.featureFlags], [1, 0]);
    assert.ok(existsSync(`${persistPath}-live-eu`));
    assert.ok(existsSync(`${persistPath}-live-us`));
    assert.equal(statSync(`${persistPath}-live-eu`).size, 18_432);
    if (process.platform !== 'win32') assert.equal(statSync(`${persistPath}-live-eu`).mode & 0o777, 0o600);
  },

  async 'private configs of the same database stay out of it'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const cluster = open(t, { persistPath });
    const own = open(t, { persistPath, enableClusterSync: false });
    cluster.enableFeature('a');
    own.enableFeature('b');
    assert.deepEqual([cluster.getEnabledFeatures(), own.getEnabledFeatures()], [['a'], ['b']]);
    await own.persist('own');
    assert.equal(await cluster.load(), true);
    assert.deepEqual(cluster.getEnabledFeatures(), ['b']);
  },

  async 'load, rollback and promote change the state for everyone, once'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const options = { persistPath, enableClusterSync: true, features: NAMES };
    const staging = createProductionConfig({ persistPath, environment: 'staging', features: NAMES });
    staging.enableFeature('d');
    staging.setTerminalSettings(3, 33, 133);
    await staging.persist('from staging');
    await staging.close();

    const config = open(t, options);
    const [first, second] = [peer(t), peer(t)];
    for (const process of [first, second]) {
      await process.tell('open', options);
      await process.tell('listen');
    }
    config.enableFeature('a');
    await config.persist('a');
    config.update((draft) => {
      draft.disable('a');
      draft.enable('b');
      draft.terminal(2, 22, 222);
    });
    await first.tell('persist', 'b');

    assert.equal((await first.tell('rollback')).changeReason, 'rollback to revision 2');
    assert.deepEqual(config.getEnabledFeatures(), ['a']);
    assert.equal(config.rows, 24);
    assert.ok((await second.tell('hears', ['a'])).every(({ local }) => !local));
    assert.ok(
      (await first.tell('hears', ['a'])).every(({ local }) => !local),
      'the store did it',
    );

    assert.equal((await second.tell('promote', 'staging')).changeReason, 'promoted from staging revision 1');
    assert.deepEqual(
      [config.getEnabledFeatures(), config.getTerminalSettings()],
      [['d'], { mode: 3, rows: 33, cols: 133 }],
    );
    await first.tell('hears', ['d']);
    assert.equal(config.getDebugView().revision, 5);

    config.enableFeature('c');
    assert.equal(await second.tell('load'), true);
    assert.deepEqual(config.getEnabledFeatures(), ['d']);
    await first.tell('hears', ['d']);
    assert.deepEqual(
      (await config.getHistory()).map(({ changeReason }) => changeReason),
      ['promoted from staging revision 1', 'rollback to revision 2', 'b', 'a'],
    );
  },

  async 'names that another process appends are seen by name and never misread'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true };
    const config = open(t, { ...options, features: ['a', 'b'] });
    config.featureFlags = 0b11;
    assert.throws(() => config.isFeatureEnabled('y'), { message: 'Unknown feature: y. Available: a, b' });
    const hash = config.registryHash;
    const other = peer(t);
    // In another order, with names of its own.
    await other.tell('open', { ...options, features: ['z', 'b', 'y'] });
    assert.deepEqual(await other.tell('getFeatureNames'), ['a', 'b', 'z', 'y']);
    assert.deepEqual(await other.tell('getEnabledFeatures'), ['a', 'b'], 'no feature is born on');
    assert.equal(config.isFeatureEnabled('y'), false);
    await other.tell('enableFeature', 'y');
    assert.equal(config.isFeatureEnabled('y'), true);
    assert.equal(config.featureFlags, 0b1011);
    assert.deepEqual(config.getDebugView().features, { enabled: ['a', 'b', 'y'], disabled: ['z'] });
    assert.notEqual(config.registryHash, hash);
    assert.equal(config.registryHash, await other.tell('get', 'registryHash'));
    assert.equal(config.enableFeature('z'), true);
    assert.equal(await other.tell('isFeatureEnabled', 'z'), true);
    assert.deepEqual(config.validate(), { isValid: true, errors: [] });

    // A listener that never looked at the table hears the new names.
    const third = peer(t);
    await third.tell('open', { ...options, features: ['a'] });
    await third.tell('listen');
    await peerWith(t, { ...options, features: ['x'] }, ['enableFeature', 'x'], ['disableFeature', 'a']);
    const heard = await third.tell('hears', ['b', 'x', 'y', 'z']);
    assert.deepEqual(
      heard.flatMap(({ enabled }) => enabled),
      ['x'],
    );
    assert.deepEqual(config.getEnabledFeatures(), ['b', 'z', 'y', 'x']);
  },

  async 'ten processes that start at once with names of their own agree on every bit'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true };
    const processes = Array.from({ length: 10 }, () => peer(t));
    await Promise.all(
      processes.map(async (process, index) => {
        await process.tell('open', { ...options, features: ['common', `own_${index}`] });
        await process.tell('enableFeature', `own_${index}`);
      }),
    );
    const names = await processes[0].tell('getFeatureNames');
    assert.deepEqual(names.toSorted(), ['common', ...processes.map((_, index) => `own_${index}`)].toSorted());
    for (const process of processes) {
      assert.deepEqual(await process.tell('getFeatureNames'), names);
      assert.deepEqual(
        await process.tell('getEnabledFeatures'),
        names.filter((name) => name !== 'common'),
      );
      assert.equal((await process.tell('getDebugView')).generation, 10);
    }
  },

  async 'without a database, a name says who shares'(t) {
    const directory = t.tempDir();
    const env = { XDG_RUNTIME_DIR: directory, LOCALAPPDATA: directory };
    const options = { enableClusterSync: true, clusterName: 'shop' };
    const [first, second, elsewhere, staging] = Array.from({ length: 4 }, () => peer(t, { env }));
    await first.tell('open', options);
    assert.deepEqual(await first.tell('getFeatureNames'), [...DEFAULT_FEATURES]);
    await first.tell('enableFeature', 'metrics');
    assert.equal(await second.tell('open', options), await first.tell('toHex'));
    await second.tell('enableFeature', 'debug');
    assert.equal(await first.tell('isFeatureEnabled', 'debug'), true);
    await elsewhere.tell('open', { ...options, clusterName: 'another' });
    await staging.tell('open', { ...options, environment: 'staging' });
    for (const process of [elsewhere, staging]) assert.deepEqual(await process.tell('getEnabledFeatures'), []);

    assert.deepEqual(readdirSync(join(directory, '13byte-config')).toSorted(), [
      'cluster-another-live-development',
      'cluster-shop-live-development',
      'cluster-shop-live-staging',
    ]);
    if (process.platform !== 'win32') assert.equal(statSync(join(directory, '13byte-config')).mode & 0o777, 0o700);
    // Names of one's own, by name as with a database.
    const own = peer(t, { env });
    await own.tell('open', { ...options, features: ['shipping'] });
    await own.tell('enableFeature', 'shipping');
    assert.equal(await first.tell('isFeatureEnabled', 'shipping'), true);
    assert.equal((await first.refuse('persist')).code, 'ERR_PERSISTENCE_DISABLED');
    assert.equal((await first.refuse('load')).code, 'ERR_PERSISTENCE_DISABLED');

    const handle = await own.tell('handle');
    assert.deepEqual([handle.clusterName, handle.persistPath], ['shop', undefined]);
    const attached = peer(t, { env });
    assert.equal(await attached.tell('attach', handle), await first.tell('toHex'));
    // With the last one gone, so is the state.
    for (const process of [first, second, own, attached]) await process.finish();
    const next = peer(t, { env });
    await next.tell('open', options);
    assert.deepEqual(await next.tell('getEnabledFeatures'), []);
    assert.equal((await next.refuse('attach', handle)).code, 'ERR_STALE_HANDLE');
  },

  async 'without a database and a name, processes of one directory share'(t) {
    const directory = t.tempDir();
    const env = { XDG_RUNTIME_DIR: directory, LOCALAPPDATA: directory };
    const [here, there] = [t.tempDir(), t.tempDir()];
    mkdirSync(join(here, 'below'));
    const [first, second, other, below] = [here, here, there, join(here, 'below')].map((cwd) => peer(t, { env, cwd }));
    for (const process of [first, second, other, below]) await process.tell('open', { enableClusterSync: true });
    await first.tell('enableFeature', 'debug');
    assert.equal(await second.tell('isFeatureEnabled', 'debug'), true);
    assert.equal(await other.tell('isFeatureEnabled', 'debug'), false);
    assert.equal(await below.tell('isFeatureEnabled', 'debug'), false);
    const files = readdirSync(join(directory, '13byte-config'));
    assert.equal(files.length, 3);
    for (const file of files) assert.match(file, /^directory-[0-9a-f]{16}-live-development$/);
  },

  async 'a readOnly config follows the others'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true, features: NAMES };
    const config = open(t, options);
    const reader = peer(t);
    await reader.tell('open', { ...options, features: undefined, readOnly: true });
    await reader.tell('listen');
    config.enableFeature('b');
    await reader.tell('hears', ['b']);
    assert.deepEqual(await reader.tell('getEnabledFeatures'), ['b']);
    for (const command of [['enableFeature', 'a'], ['load'], ['rollback'], ['promote', 'staging'], ['persist']]) {
      assert.equal((await reader.refuse(...command)).code, 'ERR_READ_ONLY', command[0]);
    }
    assert.deepEqual(config.getEnabledFeatures(), ['b']);
  },

  async 'persists of all processes hold one state, in one history'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true, features: NAMES };
    const config = open(t, options);
    const processes = [peer(t), peer(t), peer(t)];
    for (const [index, process] of processes.entries())
      await process.tell('open', { ...options, actor: `process ${index}` });
    for (let round = 0; round < 5; round += 1) {
      const entries = await Promise.all(
        processes.map(async (process, index) => {
          await process.tell('toggleFeature', NAMES[index]);
          return process.tell('persist', `${index}.${round}`);
        }),
      );
      assert.equal(Math.max(...entries.map(({ revision }) => revision)), 3 * (round + 1));
    }
    assert.deepEqual(config.getEnabledFeatures(), ['a', 'b', 'c']);
    assert.equal(config.getDebugView().revision, 15);
    assert.equal(await config.load(), true);
    assert.deepEqual(config.getEnabledFeatures(), ['a', 'b', 'c'], 'the last state, whoever persisted last');
  },

  async 'the live file tells others what the state is, and is in use while anybody has it'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = createProductionConfig({ persistPath, enableClusterSync: true, features: NAMES });
    config.featureFlags = 0b101;
    const { pageId } = config.share();
    assert.deepEqual(readLiveFile(`${persistPath}-live-development`), {
      flags: 0b101,
      generation: 1,
      sleepers: 0,
      revision: 0,
      pageId,
      isUnfinished: false,
    });
    const other = peer(t);
    await other.tell('open', { persistPath, enableClusterSync: true });
    await config.close();
    assert.deepEqual(await other.tell('getEnabledFeatures'), ['a', 'c']);
    const again = open(t, { persistPath });
    assert.equal(again.share().pageId, pageId);
    await other.kill();
    assert.deepEqual(again.getEnabledFeatures(), ['a', 'c']);
  },
});

function open(t, options) {
  const config = createProductionConfig({ features: NAMES, enableClusterSync: true, ...options });
  t.after(() => config.close());
  return config;
}

function peer(t, options) {
  const started = startProcess(options);
  t.after(() => started.stop());
  return started;
}

/** A process that opens a config, does these commands, and stays. */
async function peerWith(t, options, ...commands) {
  const process = peer(t);
  await process.tell('open', options);
  for (const command of commands) await process.tell(...command);
  return process;
}
