import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { copyOfPackage, openDatabase, pathOfRuntimeWithSqlite } from './children/other-sqlite.mjs';
import { startProcess, startProgram } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

// The runtime's SQLite is another copy than the addon's. POSIX locks belong to the process, so without a remedy whatever
// in this process closes the database takes the addon's locks away; and a SQLite that closes it believes that it is the
// last one and removes the log. What the addon commits from then on is in a file without a name.
export default suite('a second SQLite', {
  async 'one in this process may read and close the database: no acknowledged revision is lost'(t) {
    const { persistPath, persist, assertKept } = open(t);
    for (let round = 0; round < 3; round += 1) {
      await persist();
      const other = await openDatabase(persistPath);
      // Node 20 has none.
      if (!other) break;
      assert.deepEqual(other.all('SELECT count(*) AS revisions FROM revision'), [{ revisions: 2 * round + 1 }]);
      other.close();
      await persist();
      await assertKept();
    }
  },

  async 'a second copy of the package in this process may read and close the database, too'(t) {
    const { persistPath, persist, assertKept } = open(t);
    const copy = copyOfPackage(t.tempDir());
    assert.notEqual(copy.createProductionConfig, createProductionConfig);
    for (let round = 0; round < 3; round += 1) {
      await persist();
      const other = copy.createProductionConfig({ persistPath });
      assert.equal((await other.getHistory()).length, 2 * round + 1);
      await other.close();
      await persist();
      await assertKept();
    }
  },

  async 'one in another process takes turns with the addon, each by its own kind of locks'(t) {
    const { persistPath, persist, assertKept } = open(t);
    await persist();
    const other = startProgram('./write-rows.mjs', { path: pathOfRuntimeWithSqlite(), args: [persistPath, '60'] });
    t.after(() => other.kill());
    assert.equal(await other.line(), 'ready');
    other.send('go');
    for (let revision = 0; revision < 60; revision += 1) await persist();
    assert.deepEqual(JSON.parse(await other.line()), { count: 60, integrity: 'ok' });
    await assertKept();
  },
});

/** A config, and what it was told is on disk. */
function open(t) {
  const persistPath = join(t.tempDir(), 'config.db');
  const config = createProductionConfig({ persistPath });
  t.after(() => config.close());
  const acknowledged = [];
  return {
    persistPath,
    async persist() {
      config.toggleFeature('debug');
      const { revision, configHex } = await config.persist();
      acknowledged.unshift({ revision, configHex });
    },
    /** Another process finds it in the file. A kill of this one would leave the same. */
    async assertKept() {
      const reader = startProcess();
      try {
        await reader.tell('open', { persistPath, readOnly: true });
        const history = await reader.tell('getHistory', 1000);
        assert.deepEqual(
          history.map(({ revision, configHex }) => ({ revision, configHex })),
          acknowledged,
        );
      } finally {
        await reader.stop();
      }
    },
  };
}
