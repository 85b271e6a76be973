import assert from 'node:assert/strict';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';
import { holdLock } from './children/locked.mjs';

export default suite('health', {
  async 'a config in memory is well'(t) {
    const config = open(t, {});
    config.on('change', () => {});
    assert.deepEqual(await config.healthCheck(), {
      status: 'ok',
      checks: [
        { name: 'page', status: 'ok', message: 'The live state is valid' },
        { name: 'features', status: 'ok', message: '11 of 256 features are registered' },
        { name: 'listening', status: 'ok', message: 'Listeners for changes: 1' },
        {
          name: 'store',
          status: 'ok',
          message: 'There is no persistPath, so nothing is persisted, as configured',
        },
      ],
    });
  },

  async 'a config with a database is well'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath, enableClusterSync: true });
    const all = [
      'page',
      'features',
      'live-file',
      'listening',
      'store',
      'store-thread',
      'last-persist',
      'database-files',
      'wal-size',
      'disk-space',
      'chain-head',
    ];
    const empty = await config.healthCheck();
    assert.deepEqual(
      empty.checks.map(({ name, status }) => [name, status]),
      all.map((name) => [name, 'ok']),
    );
    assert.equal(empty.status, 'ok');
    assert.equal(find(empty, 'last-persist').message, 'This process has persisted nothing yet');
    assert.equal(find(empty, 'chain-head').message, 'The history is empty');

    for (let number = 1; number <= 3; number += 1) await config.persist();
    const before = await config.healthCheck();
    assert.equal(before.status, 'ok');
    assert.match(find(before, 'last-persist').message, /^The last persist of this process succeeded at \d{4}-.*Z$/);
    assert.equal(find(before, 'chain-head').message, 'The history ends with revision 3, as it should');
    await config.prune({ keep: 1 });
    assert.deepEqual(find(await config.healthCheck(), 'chain-head'), find(before, 'chain-head'));
    await config.persist();
    await config.prune({ keep: 2 });
    assert.equal((await config.healthCheck()).status, 'ok');
  },

  async 'configs that are closed, degraded or only read are looked at, too'(t) {
    const directory = t.tempDir();
    const persistPath = join(directory, 'config.db');
    const config = open(t, { persistPath });
    await config.persist();
    const reader = open(t, { persistPath, readOnly: true });
    assert.equal((await reader.healthCheck()).status, 'ok');
    await config.close();
    assert.deepEqual(await config.healthCheck(), {
      status: 'failed',
      checks: [{ name: 'config', status: 'failed', message: 'This config is closed. Create a new one' }],
    });
    const garbage = join(directory, 'garbage.db');
    writeFileSync(garbage, 'no database at all');
    const degraded = await open(t, { persistPath: garbage, onStoreError: 'degrade' }).healthCheck();
    assert.equal(degraded.status, 'failed');
    assert.match(
      find(degraded, 'store').message,
      /^Nothing is persisted, since the database could not be opened: .*garbage\.db is not a SQLite database/,
    );
  },

  async 'a state that is not valid is named'(t) {
    const config = open(t, {});
    const bytes = config.toBytes();
    bytes[10] = 0;
    config.updateFromBuffer(bytes);
    const health = await config.healthCheck();
    assert.equal(health.status, 'failed');
    assert.match(find(health, 'page').message, /^The live state is not valid: Invalid rows: 0 \(must be 1-255\)\./);
  },

  ...onPosix({
    async 'files that are gone are named'(t) {
      const persistPath = join(t.tempDir(), 'config.db');
      const config = open(t, { persistPath, environment: 'production', enableClusterSync: true });
      await config.persist();
      rmSync(`${persistPath}-live-production`);
      const split = await config.healthCheck();
      assert.deepEqual(failing(split), ['live-file']);
      assert.match(
        find(split, 'live-file').message,
        /-live-production was deleted or replaced .* Restart all processes that use it$/,
      );
      rmSync(`${persistPath}-wal`);
      const lost = await config.healthCheck();
      assert.ok(failing(lost).includes('database-files'), JSON.stringify(lost));
      assert.match(
        find(lost, 'database-files').message,
        /config\.db-wal was deleted or replaced while the database is open/,
      );
    },
  }),

  async 'a log that grows is named'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath });
    await config.persist();
    // What SQLite has not written is not read either.
    truncateSync(`${persistPath}-wal`, 70 * 2 ** 20);
    const health = await config.healthCheck();
    assert.equal(health.status, 'degraded');
    assert.deepEqual(failing(health), ['wal-size']);
    assert.match(find(health, 'wal-size').message, /^The write-ahead log has 70 MiB, .* fuser -v /);
  },

  async 'an end of the history that does not fit is named'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath });
    await config.persist();
    const { digest } = await config.persist();
    await config.close();
    const bytes = readFileSync(persistPath);
    const at = bytes.indexOf(Buffer.from(digest, 'hex'));
    bytes[at] ^= 1;
    writeFileSync(persistPath, bytes);
    const health = await open(t, { persistPath }).healthCheck();
    assert.deepEqual(failing(health), ['chain-head']);
    assert.match(
      find(health, 'chain-head').message,
      /^The history was damaged or tampered with: .* verify\(\) lists all/,
    );
  },

  async 'a store that is held up does not hold it up'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath });
    await config.persist();
    const lock = await holdLock(t, 'write', persistPath);
    const settled = [];
    const persist = config.persist('has to wait').then(() => settled.push('persist'));
    const health = await config.healthCheck();
    settled.push('health');
    assert.equal(health.status, 'failed');
    assert.deepEqual(failing(health), ['store-thread', 'chain-head']);
    assert.match(find(health, 'store-thread').message, /did not answer within 1000 ms, .* fuser -v /);
    await lock.release();
    await persist;
    assert.deepEqual(settled, ['health', 'persist']);
    assert.equal((await config.healthCheck()).status, 'ok');
  },
});

function find({ checks }, name) {
  return checks.find((check) => check.name === name);
}

function failing({ checks }) {
  return checks.filter(({ status }) => status !== 'ok').map(({ name }) => name);
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}
