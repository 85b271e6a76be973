import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkFiles, createProductionConfig } from '13byte-config';
import { database, forEach, print, production, result } from './harness/command-line.mjs';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

const preload = fileURLToPath(new URL('children/pretend.cjs', import.meta.url));

/** What it says of a machine on which nothing is wrong: the addons of other platforms have not been tested on one. */
const WELL = process.platform === 'linux' && process.arch === 'x64' ? 'ok' : 'degraded';

export default suite('command line: doctor', {
  async 'without a config it looks at the runtime'(t) {
    const { checks, ...rest } = await examine(t, []);
    assert.deepEqual(rest, { database: null, cluster: null, status: 'degraded' });
    assert.deepEqual([...checks.keys()], ['runtime', 'platform', 'shared-array-buffer', 'environment']);
    assert.deepEqual([checks.get('runtime').status, checks.get('environment').status], ['ok', 'degraded']);
    const hasSharedBuffers = open(t, {}).sharedBuffer !== undefined;
    assert.equal(
      checks.get('shared-array-buffer').message.startsWith('config.sharedBuffer is a SharedArrayBuffer'),
      hasSharedBuffers,
    );
    assert.equal((await result(t, ['doctor'], { env: { NODE_ENV: 'production' } })).status, WELL);
  },

  async 'a config that is well has the checks of the library too, and is not changed'(t) {
    const persistPath = await database(t);
    const files = () => readdirSync(dirname(persistPath)).filter((name) => !/-(shm|wal)$/.test(name));
    const { status, checks } = await examine(t, production(persistPath));
    assert.equal(status, WELL, JSON.stringify([...checks.values()]));
    for (const name of [
      'database',
      'directory',
      'file-system',
      'live-file-permissions',
      'live',
      'page',
      'store-thread',
      'disk-space',
      'chain-head',
    ]) {
      assert.equal(checks.get(name)?.status, 'ok', name);
    }
    assert.equal(checks.get('live').message, 'No running program shares this state');
    assert.deepEqual(files(), ['config.db']);
    const config = open(t, { persistPath, environment: 'production', enableClusterSync: true });
    config.on('change', () => {});
    const live = await examine(t, production(persistPath));
    assert.equal(live.status, WELL);
    assert.equal(live.checks.get('live').message, 'Running programs share this state');
    assert.ok(live.checks.get('doorbells').message.endsWith('-doorbells: 1'), live.checks.get('doorbells').message);
    const lines = (await print(t, ['doctor', ...production(persistPath)])).split('\n');
    assert.ok(lines.includes('ok\tlive\tRunning programs share this state'), lines.join('\n'));
  },

  async 'a file system that does not last'(t) {
    if (process.platform !== 'linux') return;
    const directory = mkdtempSync('/dev/shm/13byte-config-');
    t.after(() => rmSync(directory, { recursive: true }));
    const persistPath = join(directory, 'config.db');
    copyFileSync(await database(t), persistPath);
    const { status, checks } = await examine(t, production(persistPath));
    assert.equal(status, 'degraded');
    assert.match(checks.get('file-system').message, /is on tmpfs, /);
  },

  'the checks of the files are there for programs'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    writeFileSync(persistPath, 'no database');
    const checks = checkFiles(persistPath, 'eu-1');
    assert.deepEqual(
      checks.map(({ name }) => name).filter((name) => name !== 'file-system'),
      ['database', 'directory', 'database-wal', 'database-shm', 'database-journal', 'live-file-permissions'],
    );
    for (const { status, message, fix } of checks)
      assert.deepEqual([status === 'ok', typeof message], [fix === null, 'string']);
    assert.equal(checks.at(-1).message.includes(`${persistPath}-live-eu~1`), true);
    assert.deepEqual(readdirSync(dirname(persistPath)), ['config.db']);
    assert.throws(() => checkFiles(7), { name: 'TypeError', code: 'ERR_INVALID_TYPE' });
    assert.throws(() => checkFiles(persistPath, 'a b'), { name: 'RangeError', code: 'ERR_INVALID_VALUE' });
  },

  async 'each problem comes with what to do'(t) {
    const persistPath = await database(t);
    const live = `${persistPath}-live-production`;
    const bells = `${live}-doorbells`;
    const other = join(t.tempDir(), 'letter.txt');
    writeFileSync(other, 'a letter to a friend '.repeat(100));
    for (const [name, status, message, args, make = () => {}] of [
      ['database', 'failed', /^There is no file /, production(`${persistPath}.not`)],
      ['directory', 'failed', /^There is no directory /, production(join(persistPath, '..', 'nowhere', 'config.db'))],
      ['database', 'failed', /is not a regular file$/, production(dirname(persistPath))],
      ['open', 'failed', /is not a SQLite database .*\(ERR_NOT_A_DATABASE\)$/, production(other)],
      ['live', 'degraded', /^Environment nowhere has no history/, ['--db', persistPath, '--env', 'nowhere']],
      [
        'live',
        'degraded',
        /^No program shares the live state of cluster nobody/,
        ['--cluster', `nobody-${process.pid}`],
      ],
      ...onPosix([
        ['database', 'degraded', /every user may change/, production(persistPath), () => chmodSync(persistPath, 0o666)],
        [
          'live-file-permissions',
          'failed',
          /others may write to it/,
          production(persistPath),
          () => {
            writeFileSync(live, '');
            chmodSync(live, 0o666);
          },
        ],
      ]),
      [
        'live-file-permissions',
        'failed',
        /it holds 1 bytes of something else/,
        production(persistPath),
        () => {
          writeFileSync(live, 'x');
          chmodSync(live, 0o600);
        },
      ],
      ...onPosix([
        [
          'doorbells',
          'failed',
          /cannot notify each other of changes$/,
          production(persistPath),
          () => {
            rmSync(live);
            mkdirSync(bells);
            chmodSync(bells, 0o755);
          },
        ],
      ]),
    ]) {
      make();
      const found = await examine(t, args, { code: status === 'failed' ? 4 : 0 });
      const { message: said, ...check } = found.checks.get(name);
      assert.match(said, message);
      assert.deepEqual([check.status, found.status], [status, status], said);
      assert.ok(check.fix.length > 0);
    }
    assert.ok(!existsSync(`${persistPath}.not`));
  },

  ...onPosix({
    async 'a directory that this user may not write to'(t) {
      const persistPath = await database(t);
      const directory = dirname(persistPath);
      chmodSync(directory, 0o555);
      t.after(() => chmodSync(directory, 0o755));
      // Root may do everything.
      const isRoot = process.getuid() === 0;
      if (isRoot) chmodSync(join(directory, '..'), 0o755);
      const through = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
      const { checks } = await examine(t, production(persistPath), { code: 4, through });
      assert.equal(checks.get('directory').status, 'failed');
      assert.equal(checks.get('database').status, isRoot ? 'failed' : 'ok');
    },
  }),

  async 'runtimes that are not supported, or not tested'(t) {
    const persistPath = await database(t);
    const which = t.runtime.name;
    const [old, unknown] = which === 'bun' ? ['1.4.4', '2.0.0'] : ['20.18.9', '25.1.0'];
    await forEach(
      [
        [{ versions: { [which]: old } }, 'runtime', 'failed', /is older than/],
        [{ versions: { [which]: unknown } }, 'runtime', 'degraded', /not among the tested versions/],
      ],
      async ([pretended, name, status, message]) => {
        const { checks } = await examine(t, production(persistPath), {
          code: status === 'failed' ? 4 : 0,
          env: pretending(pretended),
        });
        assert.match(checks.get(name).message, message);
        assert.equal(checks.get(name).status, status);
      },
    );
  },
});

/** What it finds, with the checks by name, each once. */
async function examine(t, args, options) {
  const { checks, ...rest } = await result(t, ['doctor', ...args], options);
  const names = checks.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)]);
  return { ...rest, checks: new Map(checks.map((check) => [check.name, check])) };
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}

function pretending(what) {
  const option = process.versions.bun
    ? { BUN_OPTIONS: `--preload=${preload}` }
    : { NODE_OPTIONS: `--require=${preload}` };
  return { ...option, PRETEND: JSON.stringify(what) };
}
