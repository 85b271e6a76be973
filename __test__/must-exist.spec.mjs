import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { attachConfig, createProductionConfig } from '13byte-config';
import { tell } from './children/tell.mjs';
import { suite } from './harness/suite.mjs';

const NOT_LIVE = { name: 'ConfigError', code: 'ERR_NOT_LIVE' };

export default suite('what must exist', {
  async 'a database that must exist is opened and never made'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    for (const enableClusterSync of [false, true]) {
      assert.throws(() => createProductionConfig({ persistPath, fileMustExist: true, enableClusterSync }), {
        name: 'ConfigError',
        code: 'ERR_STORE_NOT_FOUND',
        message: `No database at ${persistPath} (open it without readOnly and fileMustExist to create it)`,
      });
    }
    assert.deepEqual(readdirSync(dirname(persistPath)), []);
    await persisted({ persistPath });
    const config = open(t, { persistPath, fileMustExist: true });
    assert.equal(config.isFeatureEnabled('debug'), true);
    config.enableFeature('metrics');
    assert.equal((await config.persist('two')).revision, 2);
  },

  async 'live state beside a database is joined while a program uses it, and never made'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), environment: 'test', enableClusterSync: true };
    await persisted({ ...options, enableClusterSync: false });
    const live = `${options.persistPath}-live-test`;
    const refused = () => {
      for (const readOnly of [true, false]) {
        assert.throws(
          () => createProductionConfig({ ...options, readOnly, liveMustExist: true }),
          (error) => {
            assert.deepEqual({ name: error.name, code: error.code }, NOT_LIVE);
            assert.ok(error.message.startsWith(`No program uses the live state of ${live} (`), error.message);
            return true;
          },
        );
      }
    };
    refused();
    assert.ok(!readdirSync(dirname(live)).includes(basename(live)));
    const program = t.spawn('program.mjs');
    await tell(program, 'open', options);
    await tell(program, 'enableFeature', 'caching');
    // In processes of their own: this one would keep the memory until it collects garbage.
    for (const readOnly of [true, false]) {
      const joined = t.spawn('program.mjs');
      await tell(joined, 'open', { ...options, readOnly, liveMustExist: true });
      assert.deepEqual(
        await tell(joined, 'getEnabledFeatures'),
        ['debug', 'caching'],
        'the live state, not the persisted one',
      );
      if (!readOnly) await tell(joined, 'enableFeature', 'metrics');
      joined.kill('SIGKILL');
      await joined.exited;
    }
    assert.equal(await tell(program, 'isFeatureEnabled', 'metrics'), true);
    program.kill('SIGKILL');
    await program.exited;
    const left = readFileSync(live);
    refused();
    assert.deepEqual(readFileSync(live), left, 'what the program left is as it was');
  },

  async "with 'if-live' live state is joined while a program uses it; otherwise the config is private"(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), environment: 'test', enableClusterSync: true };
    await persisted({ ...options, enableClusterSync: false });
    const files = () => readdirSync(dirname(options.persistPath)).filter((name) => !/-(shm|wal)$/.test(name));
    for (const readOnly of [true, false]) {
      const config = open(t, { ...options, enableClusterSync: 'if-live', readOnly });
      assert.deepEqual([config.live, config.persisted, config.getEnabledFeatures()], [false, true, ['debug']]);
      assert.equal(attachConfig(config.share()).live, false);
      if (!readOnly) config.enableFeature('metrics');
    }
    assert.deepEqual(files(), ['config.db']);
    const program = t.spawn('program.mjs');
    await tell(program, 'open', options);
    await tell(program, 'enableFeature', 'caching');
    for (const readOnly of [true, false]) {
      const config = open(t, { ...options, enableClusterSync: 'if-live', readOnly });
      assert.deepEqual([config.live, config.getEnabledFeatures()], [true, ['debug', 'caching']]);
      assert.equal(attachConfig(config.share()).live, true);
    }
    assert.throws(() => open(t, { ...options, persistPath: `${options.persistPath}.not`, fileMustExist: true }), {
      code: 'ERR_STORE_NOT_FOUND',
    });
    const cluster = open(t, { enableClusterSync: 'if-live', clusterName: `if-live-${process.pid}` });
    assert.equal(cluster.live, false);
    assert.equal(attachConfig(cluster.share()).live, false);
    await cluster.close();
    assert.throws(() => cluster.live, { code: 'ERR_CLOSED' });
  },

  async 'live state of a cluster is joined while a program uses it'(t) {
    const options = {
      enableClusterSync: true,
      clusterName: `must-exist-${process.pid}-${t.runtime.isWorker}`,
      environment: 'test',
    };
    const joinIt = () => createProductionConfig({ ...options, liveMustExist: true });
    assert.throws(joinIt, NOT_LIVE);
    const program = t.spawn('program.mjs');
    await tell(program, 'open', { ...options, features: ['a', 'b'] });
    await tell(program, 'enableFeature', 'b');
    const config = joinIt();
    t.after(() => config.close());
    assert.deepEqual([config.getFeatureNames(), config.getEnabledFeatures()], [['a', 'b'], ['b']]);
    assert.throws(() => createProductionConfig({ ...options, environment: 'other', liveMustExist: true }), NOT_LIVE);
  },

  'a runtime directory is not made for it'(t) {
    const XDG_RUNTIME_DIR = t.tempDir();
    const { XDG_RUNTIME_DIR: before } = process.env;
    t.after(() => {
      if (before === undefined) delete process.env.XDG_RUNTIME_DIR;
      else process.env.XDG_RUNTIME_DIR = before;
    });
    process.env.XDG_RUNTIME_DIR = XDG_RUNTIME_DIR;
    assert.throws(
      () => createProductionConfig({ enableClusterSync: true, clusterName: 'shop', liveMustExist: true }),
      NOT_LIVE,
    );
    assert.deepEqual(readdirSync(XDG_RUNTIME_DIR), []);
  },

  async 'environments are those that have a history'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath, environment: 'production' });
    assert.deepEqual(await config.getEnvironments(), []);
    await config.persist('one');
    await persisted({ persistPath, environment: 'a' });
    open(t, { persistPath, environment: 'unused' });
    assert.deepEqual(await config.getEnvironments(), ['a', 'production']);
    assert.deepEqual(await open(t, { persistPath, readOnly: true }).getEnvironments(), ['a', 'production']);
    await assert.rejects(open(t, {}).getEnvironments(), { code: 'ERR_PERSISTENCE_DISABLED' });
  },
});

/** One revision with debug on. */
async function persisted(options) {
  const config = createProductionConfig(options);
  config.enableFeature('debug');
  await config.persist('one');
  await config.close();
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}
