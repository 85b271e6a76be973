import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { startProgram } from './children/peers.mjs';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

const WHERE = { environment: 'production', features: ['a', 'b'] };

export default suite('faults', {
  ...onPosix({
    async 'a database that is deleted under a config is an error, and works again once it is restored'(t) {
      const { config, persistPath } = await persisted(t);
      copyFileSync(persistPath, `${persistPath}.backup`);
      for (const suffix of ['', '-wal', '-shm']) rmSync(persistPath + suffix);
      for (const call of [
        () => config.persist(),
        () => config.getHistory(),
        () => config.rollback(),
        () => config.load(),
      ]) {
        await assert.rejects(call(), { name: 'ConfigError', code: 'ERR_STORE_REPLACED' });
        assertLive(config);
      }
      assert.deepEqual(readdirSync(dirname(persistPath)), ['config.db.backup'], 'it is not made anew');
      copyFileSync(`${persistPath}.backup`, persistPath);
      assert.equal((await config.persist('again')).revision, 2);
      assert.deepEqual(reasons(await config.getHistory()), ['again', 'first']);
    },

    async 'a database in the place of another is used from the second operation on'(t) {
      const { config, persistPath } = await persisted(t);
      const other = await persisted(t);
      await other.config.persist('second');
      await other.config.close();
      for (const suffix of ['', '-wal', '-shm']) rmSync(persistPath + suffix);
      copyFileSync(other.persistPath, persistPath);
      await assert.rejects(config.persist('lost'), {
        code: 'ERR_STORE_REPLACED',
        message:
          `${persistPath} was deleted or replaced while it was in use, so this was not done: ` +
          'read the history, which is that of the file at this path now, then try again',
      });
      assertLive(config);
      assert.equal((await config.persist('third')).revision, 3);
      assert.deepEqual(reasons(await config.getHistory()), ['third', 'second', 'first']);
    },

    async 'a log that somebody deletes costs nothing that was acknowledged'(t) {
      const { config, persistPath } = await persisted(t);
      await config.persist('only in the log');
      rmSync(`${persistPath}-wal`);
      await assert.rejects(config.persist('refused'), { code: 'ERR_STORE_REPLACED' });
      assertLive(config);
      assert.equal((await config.persist('third')).revision, 3);
      await config.close();
      const next = createProductionConfig({ persistPath, ...WHERE });
      t.after(() => next.close());
      assert.deepEqual(reasons(await next.getHistory()), ['third', 'only in the log', 'first']);
    },

    async 'a file that may not grow refuses persists, and lives on'(t) {
      const persistPath = join(t.tempDir(), 'config.db');
      const child = startProgram('./limited.mjs', { args: [persistPath] });
      t.after(() => child.kill());
      const { acknowledged, refused } = JSON.parse(await child.line());
      assert.ok(acknowledged.length > 2);
      assert.deepEqual(refused, [{ name: 'ConfigError', code: 'ERR_DISK_FULL' }]);
      const { code, stderr } = await child.closed;
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      const config = createProductionConfig({ persistPath, ...WHERE });
      t.after(() => config.close());
      assert.deepEqual(reasons(await config.getHistory(1000)).toReversed(), acknowledged);
      assert.equal((await config.verify()).ok, true);
    },
  }),

  async 'a damaged page is an error where it is read, and the rest works'(t) {
    const { config: before, persistPath } = await persisted(t);
    await before.persist('in the middle');
    // So that the newest revisions come to lie in other pages.
    await Promise.all(Array.from({ length: 30 }, () => before.persist('x'.repeat(900))));
    await before.close();
    const bytes = readFileSync(persistPath);
    writeFileSync(persistPath, damageLeaf(bytes, 'in the middle'));

    const config = createProductionConfig({ persistPath, ...WHERE });
    t.after(() => config.close());
    assert.deepEqual((await config.persist('newest')).revision, 33);
    assert.deepEqual(reasons(await config.getHistory(1)), ['newest']);
    for (const call of [() => config.getHistory(1000), () => config.rollback(1), () => config.diff(1, 33)]) {
      await assert.rejects(call(), { name: 'ConfigError', code: 'ERR_STORE_CORRUPT' });
      assertLive(config);
    }
    assert.equal((await config.persist('goes on')).revision, 34);
  },
});

/** A config with one revision, which is in the database itself. */
async function persisted(t) {
  const persistPath = join(t.tempDir(), 'config.db');
  const before = createProductionConfig({ persistPath, ...WHERE });
  before.enableFeature('a');
  await before.persist('first');
  await before.close();
  const config = createProductionConfig({ persistPath, ...WHERE });
  t.after(() => config.close());
  return { config, persistPath };
}

/** Reading and flipping have nothing to do with the disk. */
function assertLive(config) {
  assert.equal(config.isFeatureEnabled('a'), true);
  assert.equal(config.toggleFeature('b'), config.isFeatureEnabled('b'));
}

/** Overwrites the pages of rows with this text. What is left over in other pages does not count. */
function damageLeaf(bytes, text) {
  const TABLE_LEAF = 0x0d;
  for (let start = 0; start < bytes.length; start += 4096) {
    const page = bytes.subarray(start, start + 4096);
    if (page[0] === TABLE_LEAF && page.includes(text)) page.fill(0xff);
  }
  return bytes;
}

function reasons(history) {
  return history.map(({ changeReason }) => changeReason);
}
