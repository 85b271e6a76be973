// Files of a database that are copied over or set back while programs use them.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { startProcess } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

const ENVIRONMENT = 'production';
const REPLACED = 'ERR_STORE_REPLACED';

export default suite('files that are overwritten', {
  async 'every program reports it, and acknowledges nothing more'(t) {
    for (const damage of [
      (persistPath, backup) => writeFileSync(persistPath, readFileSync(backup)),
      (persistPath) => truncateSync(persistPath, 8192),
      (persistPath) => truncateSync(persistPath),
    ]) {
      const { persistPath, backup } = await withBackup(t);
      const programs = [startProcess(), startProcess()];
      for (const program of programs) {
        t.after(() => program.stop());
        await program.tell('open', { persistPath, environment: ENVIRONMENT, enableClusterSync: true });
        await program.tell('persist', 'before');
      }
      damage(persistPath, backup);
      for (let round = 0; round < 3; round += 1) {
        for (const program of programs) assert.equal((await program.refuse('persist', 'after')).code, REPLACED);
      }
      // Flags work on, and health says what does not.
      assert.equal(await programs[0].tell('toggleFeature', 'debug'), true);
      for (const program of programs) {
        const { checks } = await program.tell('healthCheck');
        const { status, message } = checks.find(({ name }) => name === 'last-persist');
        assert.equal(status, 'failed');
        assert.match(message, /delete the -wal and the -shm/);
      }
      const found = readFileSync(persistPath);
      for (const program of programs) {
        await program.tell('close');
        await program.finish();
      }
      assert.ok(readFileSync(persistPath).equals(found), 'no log was moved into it');
    }
  },

  async 'an older copy of the live file is named, and what is persisted from it counts'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const options = { persistPath, environment: ENVIRONMENT, enableClusterSync: true };
    const config = open(t, options);
    const live = `${persistPath}-live-${ENVIRONMENT}`;
    await config.persist('early');
    const copy = readFileSync(live);
    for (let number = 0; number < 5; number += 1) {
      config.toggleFeature('metrics');
      await config.persist('later');
    }
    writeOver(live, copy);
    const check = async () => (await config.healthCheck()).checks.find(({ name }) => name === 'live-file');
    const { status, message } = await check();
    assert.equal(status, 'failed');
    assert.match(
      message,
      /^The live file was overwritten with an older state: it is older than revision 6, .* load\(\) brings/,
    );

    config.enableFeature('beta_feature');
    await config.persist('after');
    assert.equal((await check()).status, 'ok');
    await config.close();
    assert.deepEqual(open(t, options).getEnabledFeatures(), ['beta_feature']);
  },

  async 'load brings back what a live file that was set back has lost'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath, environment: ENVIRONMENT, enableClusterSync: true });
    const live = `${persistPath}-live-${ENVIRONMENT}`;
    const copy = readFileSync(live);
    config.enableFeature('debug');
    config.enableFeature('metrics');
    await config.persist('kept');
    writeOver(live, copy);
    assert.deepEqual(config.getEnabledFeatures(), []);
    await config.load();
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'metrics']);
    assert.equal((await config.healthCheck()).status, 'ok');
  },
});

/** A closed database with 700 revisions, and a backup of its first 100. */
async function withBackup(t) {
  const directory = t.tempDir();
  const [persistPath, backup] = [join(directory, 'config.db'), join(directory, 'backup.db')];
  const config = createProductionConfig({ persistPath, environment: ENVIRONMENT });
  const persist = (count) => Promise.all(Array.from({ length: count }, () => config.persist('one of many')));
  await persist(100);
  await config.backup(backup);
  await persist(600);
  await config.close();
  return { persistPath, backup };
}

/** The file stays the same one. */
function writeOver(path, bytes) {
  const file = openSync(path, 'r+');
  writeSync(file, bytes);
  closeSync(file);
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}
