import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDevelopmentConfig, createProductionConfig } from '13byte-config';
import { tell } from './children/tell.mjs';
import { suite } from './harness/suite.mjs';

const REFUSED = {
  name: 'ConfigError',
  code: 'ERR_READ_ONLY',
  message: 'This config was created with readOnly, so it cannot be changed',
};

export default suite('read-only', {
  async 'it shows the persisted state and the history'(t) {
    const persistPath = await database(t);
    const config = open(t, { persistPath, readOnly: true });
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'metrics']);
    assert.equal(config.isFeatureEnabled('metrics'), true);
    assert.deepEqual(config.getTerminalSettings(), { mode: 1, rows: 30, cols: 90 });
    assert.equal(config.getDebugView().revision, 2);
    assert.deepEqual(
      (await config.getHistory()).map(({ changeReason }) => changeReason),
      ['two', 'one'],
    );
    assert.deepEqual((await config.diff(1, 2)).changes, ['+metrics']);
    assert.deepEqual(config.validate(), { isValid: true, errors: [] });
    assert.equal(config.feature('debug').enabled, true);
    assert.equal(await config.load(), true);
  },

  async 'every change of the state is refused'(t) {
    for (const options of [
      { persistPath: await database(t), readOnly: true },
      { readOnly: true },
      { readOnly: true, debugMode: true },
    ]) {
      const config = open(t, options);
      const { raw, generation } = config.getDebugView();
      const feature = config.feature('debug');
      for (const [name, change] of Object.entries({
        enableFeature: () => config.enableFeature('debug'),
        'enableFeature, nothing to do': () => config.enableFeature('metrics'),
        disableFeature: () => config.disableFeature('debug'),
        setFeature: () => config.setFeature('debug', false),
        toggleFeature: () => config.toggleFeature('debug'),
        'feature.enable': () => feature.enable(),
        'feature.disable': () => feature.disable(),
        setRollout: () => config.setRollout('debug', 50),
        update: () => config.update(() => {}),
        updateFromBuffer: () => config.updateFromBuffer(new Uint8Array(13)),
        setTerminalSettings: () => config.setTerminalSettings(2, 24, 80),
        version: () => {
          config.version = 1;
        },
        registryHash: () => {
          config.registryHash = 1;
        },
        featureFlags: () => {
          config.featureFlags = 1;
        },
        terminalMode: () => {
          config.terminalMode = 1;
        },
        rows: () => {
          config.rows = 1;
        },
        cols: () => {
          config.cols = 1;
        },
        reserved: () => {
          config.reserved = 0;
        },
      })) {
        assert.throws(change, REFUSED, name);
      }
      const after = config.getDebugView();
      assert.deepEqual([after.raw, after.generation], [raw, generation]);
    }
  },

  async 'every change of the history is refused'(t) {
    const persistPath = await database(t);
    const config = open(t, { persistPath, readOnly: true });
    await assert.rejects(config.persist('no'), REFUSED);
    await assert.rejects(config.rollback(), REFUSED);
    await assert.rejects(config.rollback(1), REFUSED);
    await assert.rejects(config.promote('staging'), REFUSED);
    assert.equal((await config.getHistory()).length, 2);
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'metrics']);
  },

  async 'reading leaves the file as it is'(t) {
    const persistPath = await database(t);
    const before = digest(persistPath);
    const config = createProductionConfig({ persistPath, readOnly: true });
    await config.load();
    await config.getHistory();
    await config.close();
    assert.equal(digest(persistPath), before);
    assert.throws(() => createProductionConfig({ persistPath, readOnly: true, features: ['brand_new'] }), {
      code: 'ERR_READ_ONLY',
    });
    assert.equal(digest(persistPath), before, 'also when a name is missing');
  },

  async 'what other processes persist is seen after a load'(t) {
    const persistPath = await database(t);
    const config = open(t, { persistPath, readOnly: true });
    const writer = t.spawn('program.mjs');
    await tell(writer, 'open', { persistPath, features: ['debug', 'brand_new'] });
    await tell(writer, 'enableFeature', 'brand_new');
    await tell(writer, 'persist', 'three');
    assert.equal(await config.load(), true);
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'metrics', 'brand_new']);
    assert.equal(config.getDebugView().revision, 3);
    assert.throws(() => config.disableFeature('brand_new'), REFUSED);
  },

  async 'a reader and a writer of one process share a file, and each keeps its rights'(t) {
    for (const readerFirst of [true, false]) {
      const persistPath = await database(t);
      const make = { reader: () => open(t, { persistPath, readOnly: true }), writer: () => open(t, { persistPath }) };
      let [reader, writer] = readerFirst ? [make.reader(), make.writer()] : [undefined, make.writer()];
      reader ??= make.reader();
      writer.enableFeature('caching');
      assert.equal((await writer.persist('three')).revision, 3);
      await assert.rejects(reader.persist('no'), REFUSED);
      await reader.load();
      assert.deepEqual(reader.getEnabledFeatures(), ['debug', 'metrics', 'caching']);
    }
  },

  async 'the database must exist'(t) {
    const persistPath = join(t.tempDir(), 'missing.db');
    assert.throws(() => createProductionConfig({ persistPath, readOnly: true }), {
      name: 'ConfigError',
      code: 'ERR_STORE_NOT_FOUND',
      message: `No database at ${persistPath} (open it without readOnly and fileMustExist to create it)`,
    });
    assert.equal(existsSync(persistPath), false, 'and is not made');
  },

  async 'names that the database does not have cannot be registered'(t) {
    const persistPath = await database(t);
    assert.throws(() => createProductionConfig({ persistPath, readOnly: true, features: ['debug', 'brand_new'] }), {
      name: 'ConfigError',
      code: 'ERR_READ_ONLY',
      message: `${persistPath} was opened with readOnly, so it cannot be changed`,
    });
    const config = open(t, { persistPath, readOnly: true, features: ['metrics', 'debug'] });
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'metrics'], 'those that it has are fine, in any order');
  },

  async 'an unknown name is still called unknown when it is read'(t) {
    const config = open(t, { readOnly: true });
    assert.throws(() => config.isFeatureEnabled('debgu'), { code: 'ERR_UNKNOWN_FEATURE' });
    assert.throws(() => config.enableFeature('debgu'), REFUSED);
  },

  'in memory it stays as it starts'(t) {
    assert.deepEqual(open(t, { readOnly: true }).getEnabledFeatures(), []);
    const development = createDevelopmentConfig({ readOnly: true });
    t.after(() => development.close());
    assert.deepEqual(development.getEnabledFeatures(), ['debug', 'verbose', 'logging']);
  },
});

/** A closed database with two revisions: debug on, then metrics too. */
async function database(t) {
  const persistPath = join(t.tempDir(), 'config.db');
  const config = createProductionConfig({ persistPath });
  config.enableFeature('debug');
  config.setTerminalSettings(1, 30, 90);
  await config.persist('one');
  config.enableFeature('metrics');
  await config.persist('two');
  await config.close();
  return persistPath;
}

function digest(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}
