import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { ConfigError, createProductionConfig } from '13byte-config';
import { holdLock } from './children/locked.mjs';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

/** Bytes of the header of a SQLite file: https://www.sqlite.org/fileformat2.html#the_database_header */
const USER_VERSION = 60;
const APPLICATION_ID = 68;

/** Windows does not tell a name that is too long from one that it does not allow. */
const TOO_LONG =
  process.platform === 'win32'
    ? 'a name in the path is too long, or has a character that Windows does not allow'
    : 'a name in the path is too long';

export default suite('store errors', {
  async 'a path that cannot hold a database is refused, and says why'(t) {
    const directory = t.tempDir();
    const path = (name) => join(directory, name);
    mkdirSync(path('directory'));
    writeFileSync(path('file'), 'text');
    if (process.platform !== 'win32') symlinkSync(path('nowhere'), path('dangling'));
    for (const [persistPath, reason] of [
      [path('directory'), 'it is a directory (name a file inside it)'],
      [`${path('directory')}/`, 'it is a directory (name a file inside it)'],
      [path('missing/config.db'), 'its directory does not exist (create it first)'],
      [path('file/config.db'), 'a part of the path is a file, not a directory'],
      ...onPosix([[path('dangling'), 'it is a symbolic link to a file that does not exist']]),
      [path('x'.repeat(300)), TOO_LONG],
      ...onPosix([['/dev/null', 'it is not a regular file']]),
    ]) {
      assertRefused(persistPath, {
        code: 'ERR_STORE_PATH',
        message: `Cannot use ${persistPath} as a database: ${reason}`,
      });
    }
    assert.deepEqual(
      readdirSync(directory).toSorted(),
      [...onPosix(['dangling']), 'directory', 'file'],
      'and nothing is left behind',
    );
    assert.equal(readFileSync(path('file'), 'utf8'), 'text');
  },

  ...onPosix({
    async 'what the system says of a path is passed on'(t) {
      const path = join(t.tempDir(), 'loop');
      symlinkSync(path, path);
      for (const readOnly of [false, true]) {
        assertRefused(
          path,
          (error) => {
            assert.equal(error.code, 'ERR_STORE_IO');
            assert.match(error.message, /^Cannot access the database .*loop: .*\(os error \d+\)/);
          },
          { readOnly },
        );
      }
    },
  }),

  async 'a file that is not SQLite is refused and stays as it is'(t) {
    const directory = t.tempDir();
    const persistPath = join(directory, 'notes');
    for (const content of [
      'x',
      'just some text, longer than the header of a SQLite file'.repeat(10),
      Buffer.alloc(4096),
      'SQLite format 3\0',
      `SQLite format 4\0${'x'.repeat(200)}`,
      readFileSync(process.execPath).subarray(0, 100_000),
    ]) {
      writeFileSync(persistPath, content);
      assertRefused(persistPath, {
        code: 'ERR_NOT_A_DATABASE',
        message: `${persistPath} is not a SQLite database (choose another persistPath, or move that file away)`,
      });
      assert.deepEqual(readFileSync(persistPath), Buffer.from(content));
      assert.deepEqual(readdirSync(directory), ['notes']);
    }
  },

  async 'the SQLite database of another program is refused and stays as it is'(t) {
    for (const [id, version, shown] of [
      [0x1234_5678, 3, '0x12345678'],
      [0, 3, '0x00000000'],
      [0, 0, '0x00000000'],
    ]) {
      const directory = t.tempDir();
      const persistPath = await database(directory);
      patch(persistPath, { [APPLICATION_ID]: id, [USER_VERSION]: version });
      const before = readFileSync(persistPath);
      assertRefused(persistPath, {
        code: 'ERR_FOREIGN_DATABASE',
        message: `${persistPath} is the SQLite database of another program (application_id ${shown}). Choose another persistPath`,
      });
      assertRefused(persistPath, { code: 'ERR_FOREIGN_DATABASE' }, { readOnly: true });
      assert.deepEqual(readFileSync(persistPath), before);
    }
  },

  async 'a newer schema is refused and stays as it is'(t) {
    const directory = t.tempDir();
    const persistPath = await database(directory);
    const version = readFileSync(persistPath).readInt32BE(USER_VERSION);
    for (const newer of [version + 1, 99, 0x7fff_ffff]) {
      patch(persistPath, { [USER_VERSION]: newer });
      const before = readFileSync(persistPath);
      for (const options of [{}, { readOnly: true }]) {
        assertRefused(
          persistPath,
          {
            code: 'ERR_NEWER_SCHEMA',
            message:
              `${persistPath} has schema version ${newer}, but this version of 13byte-config knows ${version} at most. ` +
              'Update 13byte-config; the file was not touched',
          },
          options,
        );
      }
      assert.deepEqual(readFileSync(persistPath), before);
      assert.deepEqual(readdirSync(directory), ['config.db']);
    }
    patch(persistPath, { [USER_VERSION]: version });
    const config = open(t, { persistPath });
    assert.deepEqual(config.getEnabledFeatures(), ['debug'], 'and nothing in it is lost');
  },

  async 'a damaged database is refused and stays as it is'(t) {
    for (const damage of [
      (bytes) => bytes.fill(0xff, 100, 4096),
      (bytes) => bytes.fill(0xff, 4096),
      (bytes) => bytes.subarray(0, 5000),
    ]) {
      const persistPath = await database(t.tempDir());
      const damaged = damage(readFileSync(persistPath));
      writeFileSync(persistPath, damaged);
      assertRefused(persistPath, (error) => {
        assert.equal(error.code, 'ERR_STORE_CORRUPT');
        assert.ok(error.message.startsWith(`The database ${persistPath} is damaged: `), error.message);
        assert.ok(error.message.endsWith('. Restore it from a backup'), error.message);
      });
      assert.deepEqual(readFileSync(persistPath), damaged);
    }
  },

  ...onPosix({
    async 'a path that may not be written is refused, and says so'(t) {
      const directory = t.tempDir();
      await database(directory);
      mkdirSync(join(directory, 'writable'), { mode: 0o777 });
      writeFileSync(join(directory, 'writable', 'config.db'), readFileSync(join(directory, 'config.db')), {
        mode: 0o444,
      });
      writeFileSync(join(directory, 'secret.db'), '', { mode: 0 });
      chmodSync(join(directory, 'writable'), 0o777);
      chmodSync(join(directory, 'config.db'), 0o444);
      chmodSync(directory, 0o555);
      t.after(() => chmodSync(directory, 0o755));

      // Permissions mean nothing to root, so the program becomes somebody else first.
      const program = t.spawn('program.mjs');
      await tell(program, 'dropPrivileges');
      for (const name of ['new.db', 'config.db', 'secret.db', 'writable/config.db']) {
        const persistPath = join(directory, name);
        const { name: errorName, code, message } = (await tell(program, 'open', { persistPath })).error;
        assert.deepEqual([errorName, code], ['ConfigError', 'ERR_STORE_PERMISSION']);
        assert.ok(message.startsWith(`No permission to use the database ${persistPath}`), message);
        assert.match(
          message,
          name === 'new.db'
            ? / \(check the permissions of the file and its directory\)$/
            : /: it belongs to user \d+ and group \d+, with mode [04]{3}/,
        );
      }
      assert.deepEqual(readdirSync(directory).toSorted(), ['config.db', 'secret.db', 'writable']);
      // Reading is another matter.
      const persistPath = join(directory, 'writable', 'config.db');
      assert.deepEqual(await tell(program, 'open', { persistPath, readOnly: true }), {
        result: '0x01785634120100000002185000',
      });
      assert.equal((await tell(program, 'getHistory')).result.length, 1);
    },
  }),

  async 'after a refusal the same path works, once what was wrong is gone'(t) {
    const directory = t.tempDir();
    const persistPath = join(directory, 'sub', 'config.db');
    assertRefused(persistPath, { code: 'ERR_STORE_PATH' });
    mkdirSync(join(directory, 'sub'));
    writeFileSync(persistPath, 'text');
    assertRefused(persistPath, { code: 'ERR_NOT_A_DATABASE' });
    // An empty file is as good as none.
    writeFileSync(persistPath, '');
    const config = open(t, { persistPath });
    assert.equal((await config.persist('at last')).revision, 1);
  },

  ...onPosix({
    async 'a database is the same one by whatever path'(t) {
      const directory = t.tempDir();
      const one = open(t, { persistPath: join(directory, 'config.db') });
      symlinkSync(join(directory, 'config.db'), join(directory, 'link.db'));
      const other = open(t, { persistPath: join(directory, 'link.db') });
      const third = open(t, { persistPath: join(directory, '.', 'sub', '..', 'config.db') });
      const entries = await Promise.all([one.persist('one'), other.persist('other'), third.persist('third')]);
      assert.deepEqual(entries.map(({ revision }) => revision).toSorted(), [1, 2, 3]);
      assert.equal((await one.getHistory()).length, 3);
      assert.equal(existsSync(join(directory, 'link.db-wal')), false, 'no second log beside the link');
    },
  }),

  async 'a database that another process keeps locked is given up after a while, and nothing is lost'(t) {
    const directory = t.tempDir();
    const persistPath = await database(directory);
    const config = open(t, { persistPath });
    config.enableFeature('metrics');
    const before = config.getDebugView();
    const lock = await holdLock(t, 'write', persistPath);
    const closedDirectory = t.tempDir();
    const closedPath = await database(closedDirectory);
    const closedLock = await holdLock(t, 'exclusive', closedPath);

    // Everything that only reads goes on.
    const reader = open(t, { persistPath });
    assert.deepEqual(reader.getEnabledFeatures(), ['debug']);
    assert.equal((await config.getHistory()).length, 1);

    // Everything that has to write waits, and all of this waits at the same time.
    const programs = [1, 2, 3].map(() => t.spawn('program.mjs'));
    await Promise.all([
      assert.rejects(config.persist('no'), isBusy(persistPath)),
      tell(programs[0], 'open', { persistPath, features: ['new_here'] }).then(({ error }) =>
        isBusy(persistPath)(error),
      ),
      tell(programs[1], 'open', { persistPath: closedPath }).then(({ error }) => isBusy(closedPath)(error)),
      openDegraded(programs[2], { persistPath, features: ['new_here'] }).then(({ store }) =>
        assert.equal(store.error.code, 'ERR_STORE_BUSY'),
      ),
    ]);
    assert.equal(config.getDebugView(), before);

    const { checks } = await config.healthCheck();
    const { status, message } = checks.find(({ name }) => name === 'last-persist');
    assert.equal(status, 'failed');
    assert.match(
      message,
      /^The last persist of this process failed at .*Z with ERR_STORE_BUSY: .* \(none has succeeded\)$/,
    );

    await Promise.all([lock.release(), closedLock.release()]);
    assert.deepEqual(await config.getHistory().then((history) => history.map(({ changeReason }) => changeReason)), [
      'first',
    ]);
    assert.ok(!config.getFeatureNames().includes('new_here'));
    assert.deepEqual((await config.persist('yes')).changes, ['+metrics']);
    assert.ok((await tell(programs[0], 'open', { persistPath, features: ['new_here'] })).result);
    assert.ok((await tell(programs[1], 'open', { persistPath: closedPath })).result);
  },

  async 'a lock that is released in time is waited for'(t) {
    const persistPath = await database(t.tempDir());
    const config = open(t, { persistPath });
    const lock = await holdLock(t, 'write', persistPath);
    const settled = [];
    const persists = [1, 2, 3].map((number) => config.persist(`number ${number}`).finally(() => settled.push(number)));
    // The store is at it by now, and it cannot be done before the other process lets go.
    await new Promise((resolve) => setImmediate(resolve));
    await lock.release(() => assert.deepEqual(settled, []));
    assert.deepEqual(
      (await Promise.all(persists)).map(({ revision }) => revision),
      [2, 3, 4],
    );
  },

  async 'degrade keeps a config running in memory, and says so everywhere'(t) {
    const directory = t.tempDir();
    const persistPath = join(directory, 'notes');
    writeFileSync(persistPath, 'text');
    const reason = `${persistPath} is not a SQLite database (choose another persistPath, or move that file away)`;
    const config = open(t, { persistPath, onStoreError: 'degrade', features: ['search', 'checkout'] });

    assert.equal(config.enableFeature('search'), true);
    config.setTerminalSettings(2, 50, 120);
    assert.deepEqual(config.getEnabledFeatures(), ['search']);
    assert.throws(() => config.enableFeature('debug'), {
      message: 'Unknown feature: debug. Available: search, checkout',
    });

    assert.deepEqual(config.validate(), { isValid: false, errors: [`Persistence is degraded: ${reason}`] });
    const { store, revision, features } = config.getDebugView();
    assert.deepEqual(store, {
      status: 'degraded',
      path: persistPath,
      error: { code: 'ERR_NOT_A_DATABASE', message: reason },
    });
    assert.equal(revision, null);
    assert.deepEqual(features.enabled, ['search']);
    assert.match(inspect(config), /degraded/);
    assert.match(inspect(config), /ERR_NOT_A_DATABASE/);

    for (const call of [
      () => config.persist('x'),
      () => config.persist('again'),
      () => config.load(),
      () => config.getHistory(),
      () => config.rollback(),
      () => config.diff(1, 2),
      () => config.promote('staging'),
    ]) {
      await assert.rejects(call(), (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.code, 'ERR_STORE_DEGRADED');
        assert.equal(error.message, `Nothing is persisted, since the database could not be opened: ${reason}`);
        assert.equal(error.cause.code, 'ERR_NOT_A_DATABASE');
        return true;
      });
    }
    assert.equal(readFileSync(persistPath, 'utf8'), 'text');
    assert.deepEqual(readdirSync(directory), ['notes']);
  },

  async 'degrade covers every way in which a database cannot be opened'(t) {
    const directory = t.tempDir();
    const newer = await database(directory);
    patch(newer, { [USER_VERSION]: 99 });
    const foreign = await database(t.tempDir());
    patch(foreign, { [APPLICATION_ID]: 1 });
    for (const [options, code] of [
      [{ persistPath: directory }, 'ERR_STORE_PATH'],
      [{ persistPath: join(directory, 'missing', 'config.db') }, 'ERR_STORE_PATH'],
      [{ persistPath: join(directory, 'missing.db'), readOnly: true }, 'ERR_STORE_NOT_FOUND'],
      [{ persistPath: newer }, 'ERR_NEWER_SCHEMA'],
      [{ persistPath: foreign }, 'ERR_FOREIGN_DATABASE'],
    ]) {
      const config = open(t, { ...options, onStoreError: 'degrade' });
      assert.equal(config.getDebugView().store.error.code, code);
      assert.equal(config.validate().isValid, false);
      assert.deepEqual(config.getEnabledFeatures(), []);
    }
  },

  async 'degrade changes nothing where the database works'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath, onStoreError: 'degrade' });
    assert.deepEqual(config.getDebugView().store, { status: 'ok', path: persistPath });
    assert.deepEqual(config.validate(), { isValid: true, errors: [] });
    assert.equal((await config.persist('works')).revision, 1);
  },

  async 'every error says what happened by class, name and code'(t) {
    const persistPath = t.tempDir();
    const error = refusal({ persistPath });
    assert.ok(error instanceof ConfigError);
    assert.ok(error instanceof Error);
    assert.equal(error.name, 'ConfigError');
    assert.equal(`${error}`, `ConfigError: ${error.message}`);
    assert.match(error.stack, /store-errors\.spec\.mjs/, 'the caller is on the stack');
    const config = open(t, { persistPath: join(persistPath, 'config.db') });
    const rejection = await config.rollback(7).catch((reason) => reason);
    assert.ok(rejection instanceof ConfigError);
    assert.match(rejection.stack, /ConfigError: Revision 7 does not exist/);
  },
});

/** A closed database with one revision: debug on. */
async function database(directory) {
  const persistPath = join(directory, 'config.db');
  const config = createProductionConfig({ persistPath });
  config.enableFeature('debug');
  await config.persist('first');
  await config.close();
  assert.ok(statSync(persistPath).size >= 4096);
  return persistPath;
}

/** Writes 32-bit numbers, most significant byte first, at their offsets. */
function patch(file, numbers) {
  const bytes = readFileSync(file);
  for (const [offset, number] of Object.entries(numbers)) bytes.writeInt32BE(number, Number(offset));
  writeFileSync(file, bytes);
}

/** Without `degrade`, which is the default, opening throws. */
function assertRefused(persistPath, expected, options = {}) {
  const error = refusal({ persistPath, ...options });
  if (typeof expected === 'function') {
    expected(error);
    return;
  }
  assert.equal(error.name, 'ConfigError');
  assert.equal(error.code, expected.code);
  if (expected.message) assert.equal(error.message, expected.message);
}

function refusal(options) {
  try {
    createProductionConfig(options).destroy();
  } catch (error) {
    return error;
  }
  return assert.fail(`${options.persistPath} was opened`);
}

/** A check for the error of a database that stays locked. */
function isBusy(path) {
  return ({ name, code, message }) => {
    assert.deepEqual({ name, code }, { name: 'ConfigError', code: 'ERR_STORE_BUSY' });
    assert.ok(message.startsWith(`${path} stayed locked by another process for `), message);
    assert.match(
      message,
      / for \d+ ms\. Nothing was written; find the process that holds it open in a transaction, then try again$/,
    );
    return true;
  };
}

/** The debug view of a program that opened a config with `degrade`. */
async function openDegraded(program, options) {
  const { result } = await tell(program, 'open', { ...options, onStoreError: 'degrade' });
  assert.ok(result);
  return (await tell(program, 'getDebugView')).result;
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}

async function tell(program, ...command) {
  program.send(JSON.stringify(command));
  return JSON.parse(await program.line());
}
