import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig, DEFAULT_FEATURES } from '13byte-config';
import {
  database,
  failure,
  forEach,
  history,
  NOBODY_ELSE,
  print,
  production,
  programFile,
  result,
  run,
} from './harness/command-line.mjs';
import { suite } from './harness/suite.mjs';

/** Of a feature that nobody has declared. */
const NOTHING_SAID = { description: null, owner: null, expires: null, expired: false };

export default suite('command line', {
  async 'it tells its version and its commands'(t) {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    assert.equal(await print(t, ['--version']), `${version}\n`);
    const help = await print(t, ['--help']);
    for (const part of ['status', 'disable <features...>', 'CONFIG13BYTE_DB', 'Exit codes:', '  3  not found']) {
      assert.ok(help.includes(part), part);
    }
    const disable = await print(t, ['disable', '--help']);
    for (const part of ['Examples:', '--no-persist', '--db <path>']) assert.ok(disable.includes(part), part);
    assert.ok(!(await print(t, ['help', 'status'])).includes('--no-persist'), 'which only changes take');
  },

  async 'every command has help with examples, a schema, and a place in the documentation'(t) {
    const documentation = readFileSync(new URL('../docs/cli.md', import.meta.url), 'utf8');
    const help = await print(t, ['--help']);
    const section = /^Commands:\n((?: .*\n)+)/m.exec(help)?.[1] ?? '';
    const names = Array.from(section.matchAll(/^ {2}(\w+)/gm), ([, name]) => name).filter((name) => name !== 'help');
    assert.ok(names.includes('status') && names.includes('completion'), help);
    await forEach(names, async (name) => {
      const own = await print(t, [name, '--help']);
      assert.match(own, new RegExp(`^Examples:\n  13byte-config ${name}`, 'm'));
      assert.ok(own.includes('--db <path>'), own);
      assert.ok(
        existsSync(new URL(`../docs/schemas/${name}.json`, import.meta.url)),
        `docs/schemas has no ${name}.json`,
      );
      assert.match(documentation, new RegExp(`^###.* ?\\b${name}\\b`, 'm'));
    });
    for (const [, code, meaning] of help.matchAll(/^ {2}(\d) {2}(.+)$/gm))
      assert.ok(documentation.includes(`| ${code} | ${meaning} |`), meaning);
  },

  async 'what is misspelt is refused with what is nearest'(t) {
    const persistPath = await database(t);
    const cases = [
      [['statu'], 'ERR_USAGE', "unknown command 'statu' (Did you mean status?)"],
      [['status', '--bd', persistPath], 'ERR_USAGE', "unknown option '--bd' (Did you mean --db?)"],
      [['status', 'all'], 'ERR_USAGE', 'too many arguments'],
      [['enable'], 'ERR_USAGE', "missing required argument 'features'"],
      [
        ['enable', 'metrcs', '--db', persistPath],
        'ERR_UNKNOWN_FEATURE',
        'Unknown feature: metrcs. Did you mean metrics? Available: debug, ',
      ],
      [['get', 'zzzzzz', '--db', persistPath], 'ERR_UNKNOWN_FEATURE', 'Unknown feature: zzzzzz. Available: debug, '],
      [['get', '--key', '', '--db', persistPath], 'ERR_USAGE', 'Invalid --key'],
      [['get', '--no-persist', '--db', persistPath], 'ERR_USAGE', '--no-persist cannot be combined with get'],
      [['enable', 'debug', '--if-revision', '1.5', '--db', persistPath], 'ERR_USAGE', 'Invalid --if-revision: "1.5"'],
      [['enable', 'debug', '--reason', ' ', '--db', persistPath], 'ERR_USAGE', 'Invalid --reason'],
      [['enable', 'debug', '--reason', 'x'.repeat(1001), '--db', persistPath], 'ERR_USAGE', 'Invalid --reason'],
      [['status', '--env', 'a b', '--db', persistPath], 'ERR_INVALID_VALUE', 'Invalid environment: "a b"'],
    ];
    await forEach(cases, async ([args, code, message]) => {
      const error = await failure(t, 2, args, { env: { NODE_ENV: 'production' } });
      assert.equal(error.code, code, args.join(' '));
      assert.ok(error.message.startsWith(message), error.message);
    });
  },

  async 'which config it is comes from options or the environment'(t) {
    const persistPath = await database(t);
    await failure(t, 2, ['status']);
    const env = { CONFIG13BYTE_DB: persistPath, CONFIG13BYTE_ENV: 'production', CONFIG13BYTE_JSON: '1' };
    assert.equal(JSON.parse(await print(t, ['status'], { env })).environment, 'production');
    assert.equal(await print(t, ['get', 'metrics'], { env: { ...env, CONFIG13BYTE_JSON: '0' } }), 'on\n');
    assert.equal(
      (await result(t, ['get'], { env: { CONFIG13BYTE_DB: persistPath, NODE_ENV: 'production' } })).environment,
      'production',
    );
    assert.equal(
      (
        await result(t, ['get'], {
          env: { ...env, CONFIG13BYTE_DB: 'missing.db', CONFIG13BYTE_CLUSTER: '' },
          ...at(persistPath),
        })
      ).database,
      'config.db',
    );
    const both = await failure(t, 2, ['status', '--db', persistPath, '--cluster', 'shop']);
    assert.ok(both.message.includes('cannot be combined'), both.message);
    // What is typed counts before what the environment says.
    const typed = await failure(t, 3, ['status', '--cluster', `nobody-${process.pid}`], {
      env: { ...env, CONFIG13BYTE_JSON: 'false' },
    });
    assert.equal(typed.code, 'ERR_NOT_LIVE');
  },

  async 'a database that does not exist is not made'(t) {
    const directory = t.tempDir();
    const persistPath = join(directory, 'missing.db');
    await forEach([['status'], ['get'], ['enable', 'debug']], async (args) => {
      const error = await failure(t, 3, [...args, '--db', persistPath, '--env', 'production']);
      assert.equal(error.code, 'ERR_STORE_NOT_FOUND');
      assert.ok(error.message.startsWith(`No database at ${persistPath} (`), error.message);
    });
    const invalid = await failure(t, 2, ['enable', 'check out', '--create', '--db', persistPath]);
    assert.equal(invalid.code, 'ERR_INVALID_FEATURE_NAME');
    assert.deepEqual(readdirSync(directory), []);
    const made = await result(t, ['enable', 'checkout', '--create', '--db', persistPath]);
    assert.deepEqual([made.changed, made.persisted, made.revision, made.live], [true, true, 1, false]);
    // It registers what was typed, and the default names for nobody.
    assert.deepEqual(
      (await result(t, ['status', '--db', persistPath])).features.map(({ name }) => name),
      ['checkout'],
    );
    // From then on, a name that is not there is misspelt.
    const unknown = await failure(t, 2, ['enable', 'chekout', '--create', '--db', persistPath]);
    assert.equal(unknown.code, 'ERR_UNKNOWN_FEATURE');
    assert.ok(unknown.message.includes('Did you mean checkout?'), unknown.message);
    const empty = join(directory, 'empty.db');
    await result(t, ['terminal', '2', '50', '120', '--create', '--db', empty]);
    assert.deepEqual((await result(t, ['status', '--db', empty])).features, []);
  },

  async 'an environment without a history is asked about'(t) {
    const persistPath = await database(t);
    for (const args of [['status'], ['enable', 'debug']]) {
      const error = await failure(t, 3, [...args, '--env', 'prodction', '--db', persistPath]);
      assert.equal(error.code, 'ERR_ENVIRONMENT_NOT_FOUND');
      assert.ok(error.message.includes('it has production. Did you mean production?'), error.message);
    }
    const begun = await result(t, ['enable', 'debug', '--create', '--env', 'staging', '--db', persistPath]);
    assert.deepEqual([begun.environment, begun.revision], ['staging', 2]);
    assert.equal(await print(t, ['get', 'debug', '--env', 'staging', '--db', persistPath]), 'on\n');
  },

  async 'status shows what is persisted, and changes and makes nothing'(t) {
    const persistPath = await database(t);
    const before = contents(persistPath);
    const status = await result(t, ['status', ...production(persistPath)]);
    assert.deepEqual(
      {
        ...status,
        features: status.features.filter(({ enabled }) => enabled),
        revision: { ...status.revision, createdAt: '' },
      },
      {
        database: persistPath,
        cluster: null,
        environment: 'production',
        live: false,
        features: [
          { name: 'metrics', enabled: true, rollout: 100, bit: 2, ...NOTHING_SAID },
          { name: 'maintenance_mode', enabled: true, rollout: 100, bit: 10, ...NOTHING_SAID },
        ],
        terminal: { mode: 1, modeName: 'cooked', rows: 30, cols: 90 },
        generation: 0,
        revision: { revision: 1, reason: 'one', actor: 'tester', createdAt: '' },
        persisted: true,
        openIn: NOBODY_ELSE,
        valid: true,
        problems: [],
      },
    );
    assert.equal(status.features.length, DEFAULT_FEATURES.length);
    const lines = (await print(t, ['status', ...production(persistPath)])).split('\n');
    assert.ok(lines.includes('terminal\tcooked 30x90'), lines.join('\n'));
    assert.ok(lines.includes('metrics\ton\t100%'), lines.join('\n'));
    assert.deepEqual(contents(persistPath), before);
  },

  async 'get shows one feature, all, or the decision for a key'(t) {
    const persistPath = await database(t, (config) => {
      config.enableFeature('beta_feature');
      config.setRollout('beta_feature', 70);
    });
    assert.equal(await print(t, ['get', 'debug', ...production(persistPath)]), 'off\n');
    assert.equal(await print(t, ['get', 'beta_feature', ...production(persistPath)]), 'on\n');
    // Its bucket is 6621 of 10,000, see docs/api.md.
    assert.equal(await print(t, ['get', 'beta_feature', '--key', 'user-123', ...production(persistPath)]), 'on\n');
    const { key, features } = await result(t, ['get', 'beta_feature', '--key', 'user-123', ...production(persistPath)]);
    assert.deepEqual(
      [key, features],
      ['user-123', [{ name: 'beta_feature', enabled: true, rollout: 70, decision: true }]],
    );
    const all = await print(t, ['get', ...production(persistPath)]);
    assert.deepEqual(all.split('\n').slice(0, 3), ['debug\toff\t100%', 'verbose\toff\t100%', 'metrics\ton\t100%']);
    const decided = await print(t, ['get', '--key', 'user-123', ...production(persistPath)]);
    assert.ok(decided.includes('beta_feature\ton\n'), decided);
    assert.equal((await result(t, ['get', ...production(persistPath)])).features.at(-1).decision, null);
  },

  async 'enable and disable persist with reason and actor'(t) {
    const persistPath = await database(t);
    const options = production(persistPath);
    assert.equal(
      await print(t, ['disable', 'maintenance_mode', ...options, '--actor', 'alice']),
      'maintenance_mode is off\nno running program shares the live state; persisted as revision 2\n',
    );
    const { features, ...change } = await result(t, [
      'enable',
      'debug',
      'metrics',
      'debug',
      '--reason',
      'incident 42',
      ...options,
    ]);
    assert.deepEqual(change, {
      database: persistPath,
      cluster: null,
      environment: 'production',
      live: false,
      changed: true,
      persisted: true,
      revision: 3,
      openIn: NOBODY_ELSE,
    });
    assert.deepEqual(features, [
      { name: 'debug', enabled: true, rollout: 100, changed: true },
      { name: 'metrics', enabled: true, rollout: 100, changed: false },
    ]);
    const [third, second] = await history(persistPath);
    assert.deepEqual(
      [second.changeReason, second.actor, second.changes],
      ['13byte-config disable maintenance_mode', 'alice', ['-maintenance_mode']],
    );
    assert.deepEqual([third.changeReason, third.changes], ['incident 42', ['+debug']]);
    const [user, pid] = (await ownEntry(t)).actor.split(':');
    assert.match(third.actor, new RegExp(`^${user}:\\d+$`));
    assert.equal(pid, `${process.pid}`);
    // What is persisted already is not persisted again.
    const again = await result(t, ['enable', 'debug', ...options]);
    assert.deepEqual([again.changed, again.persisted, again.revision], [false, true, 3]);
    assert.equal((await history(persistPath)).length, 3);
  },

  async 'one unknown name, and none is changed'(t) {
    const persistPath = await database(t);
    await failure(t, 2, ['disable', 'metrics', 'maintenence_mode', ...production(persistPath)]);
    assert.equal((await history(persistPath)).length, 1);
    assert.equal(await print(t, ['get', 'metrics', ...production(persistPath)]), 'on\n');
  },

  async 'a change can be refused unless the revision is the expected one'(t) {
    const persistPath = await database(t);
    const options = production(persistPath);
    const error = await failure(t, 5, ['enable', 'debug', '--if-revision', '7', ...options]);
    assert.deepEqual([error.code, error.applied], ['ERR_REVISION_CONFLICT', false]);
    assert.equal((await history(persistPath)).length, 1);
    assert.equal((await result(t, ['enable', 'debug', '--if-revision', '1', ...options])).revision, 2);
  },

  async 'without a running program a change that is not persisted is refused'(t) {
    const persistPath = await database(t);
    const error = await failure(t, 3, ['enable', 'debug', '--no-persist', ...production(persistPath)]);
    assert.equal(error.code, 'ERR_NOT_LIVE');
    const cluster = await failure(t, 3, ['enable', 'debug', '--cluster', `nobody-${process.pid}`]);
    assert.equal(cluster.code, 'ERR_NOT_LIVE');
  },

  async 'what it prints is plain when piped, and coloured when that is asked for'(t) {
    const persistPath = await database(t);
    const args = ['get', 'metrics', ...production(persistPath)];
    assert.equal(await print(t, args, { env: { NO_COLOR: undefined } }), 'on\n');
    assert.equal(await print(t, args, { env: { FORCE_COLOR: '1', NO_COLOR: undefined } }), '\u001B[32mon\u001B[39m\n');
    assert.equal(await print(t, args, { env: { FORCE_COLOR: '0', NO_COLOR: undefined } }), 'on\n');
    const { stderr } = await run(t, ['get', 'metrcs', ...production(persistPath)], {
      env: { FORCE_COLOR: '1', NO_COLOR: undefined },
    });
    assert.ok(stderr.startsWith('\u001B[31m13byte-config:\u001B[39m '), stderr);
  },

  ...(hasTerminals() && {
    async 'on a terminal it prints tables in colour, unless NO_COLOR says otherwise'(t) {
      const persistPath = await database(t);
      const onTerminal = (env) => {
        const command = `'${process.execPath}' '${programFile}' get --db '${persistPath}' --env production`;
        const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
          env: { ...process.env, NO_COLOR: undefined, TERM: 'xterm', ...env },
          encoding: 'utf8',
        });
        assert.equal(status, 0, stdout);
        return stdout
          .replaceAll('\r', '')
          .split('\n')
          .map((line) => line.trimEnd());
      };
      const coloured = onTerminal({});
      assert.equal(
        coloured[0],
        ' \u001B[1mfeature\u001B[22m            \u001B[1mstate\u001B[22m   \u001B[1mrollout\u001B[22m',
      );
      assert.equal(coloured[3], ' metrics            \u001B[32mon\u001B[39m      100%');
      for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
        const plain = onTerminal(env);
        assert.deepEqual(
          [plain[0], plain[3]],
          [' feature            state   rollout', ' metrics            on      100%'],
        );
      }
    },
  }),
});

/** The program `script` of util-linux runs a command on a terminal. That of other systems is another one. */
function hasTerminals() {
  return spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;
}

/** The same by its directory. */
function at(persistPath) {
  return {
    cwd: join(persistPath, '..'),
    env: { CONFIG13BYTE_DB: 'config.db', CONFIG13BYTE_ENV: 'production', CONFIG13BYTE_CLUSTER: '' },
  };
}

/** Every file of its directory with a digest of it, but those that SQLite makes for reading. */
function contents(persistPath) {
  const directory = join(persistPath, '..');
  return readdirSync(directory)
    .filter((name) => !/-(wal|shm)$/.test(name))
    .map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(directory, name)))
        .digest('hex'),
    ]);
}

/** A revision of this process with the actor that is recorded by default. */
async function ownEntry(t) {
  const config = createProductionConfig({ persistPath: join(t.tempDir(), 'own.db') });
  t.after(() => config.close());
  return await config.persist('own');
}
