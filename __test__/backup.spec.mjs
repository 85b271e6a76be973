import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

export default suite('backup', {
  async 'a backup is a whole database with every environment'(t) {
    const directory = t.tempDir();
    const persistPath = join(directory, 'config.db');
    const config = open(t, { persistPath, environment: 'production', features: ['checkout'] });
    config.enableFeature('checkout');
    const last = await config.persist('open the shop');
    await open(t, { persistPath, environment: 'staging' }).persist('other');
    const path = join(directory, 'copy.db');
    const progress = [];
    const done = await config.backup(path, { onProgress: (step) => progress.push(step) });
    assert.deepEqual(done, {
      path: join(realpathSync(directory), 'copy.db'),
      bytes: statSync(path).size,
      revisions: 2,
    });
    assert.equal(progress.at(-1).done, progress.at(-1).total);
    assert.deepEqual(copies(directory), ['copy.db'], 'one file, without a log');

    const copy = open(t, { persistPath: path, environment: 'production' });
    assert.equal(copy.isFeatureEnabled('checkout'), true);
    assert.deepEqual(await copy.getHistory(), [last]);
    const { ok, head } = await copy.verify({ expectedHead: last.digest });
    assert.deepEqual({ ok, head }, { ok: true, head: last.digest });
  },

  async 'persists go on while it is made, and are part of it'(t) {
    const directory = t.tempDir();
    const config = open(t, { persistPath: join(directory, 'config.db') });
    await Promise.all(Array.from({ length: 200 }, () => config.persist()));
    const path = join(directory, 'copy.db');
    const persists = [];
    const { revisions } = await config.backup(path, {
      pagesPerStep: 1,
      onProgress({ done, total }) {
        if (done === total) return;
        assert.equal(existsSync(path), false, 'it has its name only when it is whole');
        persists.push(config.persist('meanwhile'));
      },
    });
    assert.ok(persists.length >= 3);
    await Promise.all(persists);
    assert.equal(revisions, 200 + persists.length);
  },

  async 'a backup that was ended early leaves nothing'(t) {
    const directory = t.tempDir();
    const config = open(t, { persistPath: join(directory, 'config.db') });
    await Promise.all(Array.from({ length: 200 }, () => config.persist()));
    const path = join(directory, 'copy.db');
    await assert.rejects(
      config.backup(path, { signal: AbortSignal.abort(new Error('never began')) }),
      /^Error: never began$/,
    );
    const controller = new AbortController();
    let seen;
    const onProgress = () => {
      seen = copies(directory);
      controller.abort(new Error('enough'));
    };
    await assert.rejects(
      config.backup(path, { pagesPerStep: 1, signal: controller.signal, onProgress }),
      /^Error: enough$/,
    );
    assert.match(seen[0], /^copy\.db\.partial-/, 'it had begun');
    assert.deepEqual(copies(directory), []);
    const failing = config.backup(path, {
      pagesPerStep: 1,
      onProgress() {
        throw new Error('mine');
      },
    });
    await assert.rejects(failing, /^Error: mine$/);
    assert.deepEqual(copies(directory), []);
    // And closing waits for one that goes on.
    const last = config.backup(path, { pagesPerStep: 1 });
    await config.close();
    assert.equal((await last).revisions, 200);
  },

  async 'what exists is replaced only on demand, and the database never'(t) {
    const directory = t.tempDir();
    const persistPath = join(directory, 'config.db');
    const config = open(t, { persistPath });
    await config.persist();
    const path = join(directory, 'copy.db');
    writeFileSync(path, 'something else');
    const refused = { name: 'ConfigError', code: 'ERR_BACKUP' };
    await assert.rejects(config.backup(path), {
      ...refused,
      message: message(path, 'it exists (pass overwrite: true to replace it)'),
    });
    assert.equal((await config.backup(path, { overwrite: true })).revisions, 1);
    await assert.rejects(config.backup(persistPath, { overwrite: true }), {
      ...refused,
      message: message(persistPath, 'it is a database that this process has open'),
    });
    await assert.rejects(config.backup(`${persistPath}-wal`, { overwrite: true }), refused);
    await assert.rejects(config.backup(join(directory, 'missing', 'copy.db')), refused);
    assert.equal((await config.persist()).revision, 2);
  },

  ...onPosix({
    async 'what is not a regular file is never replaced'(t) {
      const directory = t.tempDir();
      const config = open(t, { persistPath: join(directory, 'config.db') });
      await config.persist();
      const path = (name) => join(directory, name);
      execFileSync('mkfifo', [path('fifo')]);
      symlinkSync('/dev/null', path('link'));
      for (const [name, reason, isStill] of [
        ['fifo', 'it is not a regular file (choose another name)', (found) => found.isFIFO()],
        ['link', 'it is a symbolic link (name the file that it leads to)', (found) => found.isSymbolicLink()],
      ]) {
        for (const overwrite of [true, false]) {
          await assert.rejects(config.backup(path(name), { overwrite }), {
            name: 'ConfigError',
            code: 'ERR_BACKUP',
            message: message(path(name), reason),
          });
        }
        assert.ok(isStill(lstatSync(path(name))), name);
      }
      // Whatever appears there before the copy is whole, too.
      const late = path('copy.db');
      const onProgress = () => {
        if (!existsSync(late)) execFileSync('mkfifo', [late]);
      };
      await assert.rejects(config.backup(late, { overwrite: true, pagesPerStep: 1, onProgress }), {
        code: 'ERR_BACKUP',
      });
      assert.deepEqual(copies(directory), ['copy.db']);
      assert.ok(lstatSync(late).isFIFO());
    },
  }),

  async 'whoever only reads may make one, too'(t) {
    const directory = t.tempDir();
    const persistPath = join(directory, 'config.db');
    const config = open(t, { persistPath });
    await config.persist();
    await config.close();
    const reader = open(t, { persistPath, readOnly: true });
    assert.equal((await reader.backup(join(directory, 'copy.db'))).revisions, 1);
  },

  async 'wrong arguments are refused'(t) {
    const directory = t.tempDir();
    const config = open(t, { persistPath: join(directory, 'config.db') });
    const path = join(directory, 'copy.db');
    const type = { name: 'TypeError', code: 'ERR_INVALID_TYPE' };
    await assert.rejects(config.backup(), type);
    await assert.rejects(config.backup(path, { overwrite: 1 }), type);
    await assert.rejects(config.backup(path, { pagesPerStep: '1' }), type);
    await assert.rejects(config.backup(path, { onProgress: 1 }), type);
    await assert.rejects(config.backup(path, { compress: true }), { name: 'TypeError', code: 'ERR_UNKNOWN_OPTION' });
    await assert.rejects(config.backup(path, { pagesPerStep: 0 }), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
    for (const wrong of ['', 'a\0b'])
      await assert.rejects(config.backup(wrong), { name: 'RangeError', code: 'ERR_INVALID_VALUE' });
    await assert.rejects(open(t, {}).backup(path), { code: 'ERR_PERSISTENCE_DISABLED' });
    assert.deepEqual(copies(directory), []);
  },
});

/** What is said of a place that cannot be used. */
function message(file, reason) {
  return `Cannot back up to ${file}: ${reason}. Nothing was written`;
}

/** The files whose name begins with that of the backup. */
function copies(directory) {
  return readdirSync(directory).filter((name) => name.startsWith('copy'));
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}
