// The commands of the history, through the real program.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createProductionConfig } from '13byte-config';
import { startProcess } from './children/peers.mjs';
import {
  conforming,
  database,
  failure,
  history,
  NOBODY_ELSE,
  print,
  production,
  programFile,
  result,
  run,
  start,
} from './harness/command-line.mjs';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

const COMMANDS = [
  ['history'],
  ['diff', '1', '2'],
  ['rollback'],
  ['promote', 'staging'],
  ['verify'],
  ['backup', 'copy.db'],
  ['prune', '--keep', '1', '--yes'],
  ['export'],
];

export default suite('command line: the history', {
  async 'without a database nothing is made'(t) {
    const directory = t.tempDir();
    await Promise.all(
      COMMANDS.map(async (command) => {
        const error = await refusal(t, 3, [...command, '--db', 'missing.db', '--env', 'production'], {
          cwd: directory,
        });
        assert.equal(error.code, 'ERR_STORE_NOT_FOUND', command[0]);
        const none = await refusal(t, 2, command, { cwd: directory });
        assert.deepEqual([none.code, none.message.startsWith('No config given. ')], ['ERR_USAGE', true], command[0]);
      }),
    );
    const cluster = await failure(t, 2, ['history', '--cluster', 'shop']);
    assert.ok(cluster.message.includes('--db'), cluster.message);
    const promoted = await failure(t, 3, ['promote', 'staging', '--create', '--db', 'missing.db'], { cwd: directory });
    assert.equal(promoted.code, 'ERR_STORE_NOT_FOUND');
    assert.deepEqual(readdirSync(directory), []);
  },

  async 'history lists the revisions, newest first, page by page'(t) {
    const persistPath = await threeRevisions(t);
    const options = production(persistPath);
    const { revisions, environment, live } = await result(t, ['history', ...options]);
    assert.deepEqual([environment, live], ['production', false]);
    const entries = await history(persistPath);
    assert.deepEqual(
      revisions,
      entries.map(({ revision, createdAt, actor, changeReason, restoredFrom, changes, configHex, digest }) => ({
        revision,
        createdAt: createdAt.toISOString(),
        actor,
        reason: changeReason,
        restoredFrom,
        changes,
        configHex,
        digest,
      })),
    );
    assert.deepEqual(
      revisions.map(({ revision }) => revision),
      [3, 2, 1],
    );
    const page = await result(t, ['history', '--limit', '1', '--before', '3', ...options]);
    assert.deepEqual(
      page.revisions.map(({ revision }) => revision),
      [2],
    );
    const lines = (await print(t, ['history', ...options])).split('\n');
    assert.match(lines[0], /^3\t\d{4}-.*Z\ttester\tthree with a line\t-metrics, debug 100% → 12.5%$/);
    assert.equal(lines.length, 4);
    assert.equal(await print(t, ['history', '--before', '1', ...options]), 'no revisions\n');
    for (const bad of [
      ['--limit', '0'],
      ['--limit', '10001'],
      ['--limit', 'all'],
      ['--before', '0'],
      ['--before', '-1'],
    ]) {
      assert.equal((await refusal(t, 2, ['history', ...bad, ...options])).code, 'ERR_USAGE');
    }
    assert.equal(
      (await refusal(t, 3, ['history', '--db', persistPath, '--env', 'prod'])).code,
      'ERR_ENVIRONMENT_NOT_FOUND',
    );
  },

  async 'a reason does nothing to the terminal of who reads it'(t) {
    const options = production(await database(t));
    const [actor, reason] = ['\u001B]0;title\u0007', 'red \u001B[31m\r\n\tand\u009B2J'];
    await print(t, ['enable', 'debug', '--actor', actor, '--reason', reason, ...options]);
    const [first] = (await print(t, ['history', ...options])).split('\n');
    assert.ok(
      first.includes(String.raw`\u001b]0;title\u0007` + '\t' + String.raw`red \u001b[31m and\u009b2J` + '\t'),
      JSON.stringify(first),
    );
    assert.doesNotMatch((await print(t, ['status', ...options])).replaceAll(/[\t\n]/g, ''), /\p{Cc}/u);
    const { revisions } = await result(t, ['history', ...options]);
    assert.deepEqual([revisions[0].actor, revisions[0].reason], [actor, reason], 'as it is, for programs');
  },

  async 'diff compares two revisions, or one with the last'(t) {
    const options = production(await threeRevisions(t));
    const diff = await result(t, ['diff', '1', '3', ...options]);
    assert.deepEqual(
      { ...diff, database: '' },
      {
        database: '',
        cluster: null,
        environment: 'production',
        live: false,
        from: 1,
        to: 3,
        enabled: ['debug'],
        disabled: ['metrics'],
        rollouts: { debug: { from: 100, to: 12.5 } },
        terminal: { from: { mode: 1, rows: 30, cols: 90 }, to: { mode: 2, rows: 24, cols: 80 } },
        changes: ['+debug', '-metrics', 'debug 100% → 12.5%', 'terminal cooked 30x90 → raw 24x80'],
      },
    );
    assert.equal(await print(t, ['diff', '2', ...options]), '-metrics\ndebug 100% → 12.5%\n');
    assert.equal(await print(t, ['diff', '3', '3', ...options]), 'no differences\n');
    assert.equal((await failure(t, 3, ['diff', '1', '99', ...options])).code, 'ERR_REVISION_NOT_FOUND');
    for (const bad of ['0', 'one', '1.5', ''])
      assert.equal((await refusal(t, 2, ['diff', bad, ...options])).code, 'ERR_USAGE');
    assert.equal((await refusal(t, 2, ['diff', ...options])).code, 'ERR_USAGE');
  },

  async 'rollback goes back and forth, with a reason'(t) {
    const persistPath = await threeRevisions(t);
    const options = production(persistPath);
    const back = await result(t, ['rollback', '--actor', 'alice', ...options]);
    assert.deepEqual(
      { ...back, database: '' },
      {
        database: '',
        cluster: null,
        environment: 'production',
        live: false,
        changed: true,
        persisted: true,
        revision: 4,
        openIn: NOBODY_ELSE,
        restoredFrom: 2,
        reason: 'rollback to revision 2',
        actor: 'alice',
        changes: ['+metrics', 'debug 12.5% → 100%'],
      },
    );
    const text = await print(t, ['rollback', '3', '--reason', 'incident 42', '--if-revision', '4', ...options]);
    assert.equal(
      text,
      'back to revision 3\n-metrics\ndebug 100% → 12.5%\nno running program shares the live state; persisted as revision 5\n',
    );
    assert.deepEqual((await history(persistPath))[0].changeReason, 'incident 42');
    for (const [code, args, name] of [
      [3, ['99'], 'ERR_REVISION_NOT_FOUND'],
      [5, ['1', '--if-revision', '4'], 'ERR_REVISION_CONFLICT'],
      [2, ['x'], 'ERR_USAGE'],
      [2, ['--no-persist'], 'ERR_USAGE'],
      [2, ['--create'], 'ERR_USAGE'],
    ]) {
      const error = await refusal(t, code, ['rollback', ...args, ...options]);
      assert.deepEqual([error.code, error.applied], [name, false]);
    }
    const one = await database(t);
    assert.equal((await refusal(t, 3, ['rollback', ...production(one)])).code, 'ERR_NOTHING_TO_ROLL_BACK');
    assert.equal((await history(persistPath)).length, 5);
  },

  async 'promote takes over another environment, also to begin one'(t) {
    const persistPath = await threeRevisions(t);
    const staging = ['--db', persistPath, '--env', 'staging'];
    const unknown = await failure(t, 3, ['promote', 'prodction', ...staging, '--create']);
    assert.deepEqual(
      [unknown.code, unknown.message.includes('Did you mean production?')],
      ['ERR_NOTHING_TO_PROMOTE', true],
    );
    assert.equal((await refusal(t, 3, ['promote', 'production', ...staging])).code, 'ERR_ENVIRONMENT_NOT_FOUND');
    const begun = await result(t, ['promote', 'production', '--create', ...staging]);
    assert.deepEqual(
      [begun.revision, begun.restoredFrom, begun.environment, begun.reason],
      [4, 3, 'staging', 'promoted from production revision 3'],
    );
    assert.deepEqual(begun.changes, ['+debug', '+maintenance_mode', 'debug 100% → 12.5%']);
    const text = await print(t, ['promote', 'production', ...staging, '--reason', 'again', '--if-revision', '4']);
    assert.equal(
      text,
      'staging is as revision 3 of production\nno differences\nno running program shares the live state; persisted as revision 5\n',
    );
    assert.equal(
      (await refusal(t, 5, ['promote', 'production', ...staging, '--if-revision', '4'])).code,
      'ERR_REVISION_CONFLICT',
    );
    assert.equal((await refusal(t, 2, ['promote', 'staging', ...staging])).code, 'ERR_INVALID_VALUE');
    assert.equal((await refusal(t, 2, ['promote', ...staging])).code, 'ERR_USAGE');
  },

  async 'running programs have a rollback and a promotion at once'(t) {
    const persistPath = await threeRevisions(t);
    const peer = await join2(t, persistPath);
    assert.deepEqual(await peer.tell('getEnabledFeatures'), ['debug', 'maintenance_mode']);
    await peer.tell('listen');
    const back = await result(t, ['rollback', '1', ...production(persistPath)]);
    assert.deepEqual([back.live, back.changed], [true, true]);
    assert.deepEqual(await peer.tell('getEnabledFeatures'), ['metrics', 'maintenance_mode']);
    await peer.tell('hears', ['metrics', 'maintenance_mode']);
    const config = createProductionConfig({ persistPath, environment: 'staging' });
    config.enableFeature('caching');
    await config.persist('tested');
    await config.close();
    assert.ok(
      (await print(t, ['promote', 'staging', ...production(persistPath)])).endsWith(
        'running programs have it; persisted as revision 6\n',
      ),
    );
    assert.deepEqual(await peer.tell('getEnabledFeatures'), ['caching']);
  },

  async 'verify checks all environments, and finds a byte that was changed'(t) {
    const persistPath = await threeRevisions(t);
    const options = ['--db', persistPath];
    const whole = await result(t, ['verify', ...options, '--env', 'production']);
    const [last, , first] = await history(persistPath);
    assert.deepEqual(
      { ...whole, database: '' },
      {
        database: '',
        cluster: null,
        environment: 'production',
        live: false,
        ok: true,
        revisions: 3,
        head: last.digest,
        environments: [{ environment: 'production', revisions: 3, pruned: 0, head: last.digest }],
        firstBroken: null,
        problems: [],
      },
    );
    assert.equal(
      await print(t, ['verify', ...options]),
      `3 revisions checked, no problems\nproduction\t3\t0\t${last.digest}\n`,
    );
    const kept = ['--env', 'production', '--expected-head'];
    await print(t, ['verify', ...options, ...kept, first.digest]);
    const other = await result(t, ['verify', ...options, ...kept, 'ab'.repeat(32)], { code: 4 });
    assert.deepEqual([other.ok, other.problems.length, other.firstBroken], [false, 1, null]);
    assert.equal((await refusal(t, 2, ['verify', ...options, '--expected-head', 'AB'])).code, 'ERR_USAGE');
    // Another reason, in the bytes of the file.
    const bytes = readFileSync(persistPath);
    const at = bytes.indexOf('three\nwith');
    assert.ok(at > 0);
    bytes.write('THREE', at);
    writeFileSync(persistPath, bytes);
    const broken = await result(t, ['verify', ...options], { code: 4 });
    assert.deepEqual(
      [broken.ok, broken.firstBroken.revision, broken.firstBroken.environment],
      [false, 3, 'production'],
    );
    const { code, stdout, stderr } = await run(t, ['verify', ...options]);
    assert.deepEqual([code, stderr], [4, '']);
    assert.match(stdout, /^3 revisions checked, with problems\nrevision 3: production: .*\n/);
    // Nothing that could still be read.
    writeFileSync(persistPath, 'no database at all, but long enough to be looked at'.repeat(10));
    rmSync(`${persistPath}-wal`, { force: true });
    assert.equal((await refusal(t, 4, ['verify', ...options])).code, 'ERR_NOT_A_DATABASE');
  },

  async 'backup copies the database, and spares what is there'(t) {
    const persistPath = await threeRevisions(t);
    const options = ['--db', persistPath];
    const copy = join(t.tempDir(), 'copy.db');
    const made = await result(t, ['backup', copy, ...options]);
    assert.deepEqual([made.path, made.revisions, made.bytes], [copy, 3, readFileSync(copy).length]);
    assert.deepEqual(
      (await history(copy)).map(({ digest }) => digest),
      (await history(persistPath)).map(({ digest }) => digest),
    );
    writeFileSync(copy, 'precious');
    const exists = await failure(t, 1, ['backup', copy, ...options]);
    assert.deepEqual(
      [exists.code, exists.message.includes('pass --overwrite to replace it')],
      ['ERR_BACKUP', true],
      exists.message,
    );
    assert.equal(readFileSync(copy, 'utf8'), 'precious');
    assert.equal(
      await print(t, ['backup', copy, '--overwrite', '--pages-per-step', '1', ...options]),
      `${copy} has 3 revisions in ${made.bytes} bytes\n`,
    );
    assert.equal((await refusal(t, 1, ['backup', join(copy, 'no', 'directory'), ...options])).code, 'ERR_BACKUP');
    assert.equal((await refusal(t, 2, ['backup', copy, '--pages-per-step', '0', ...options])).code, 'ERR_USAGE');
    assert.equal((await refusal(t, 2, ['backup', ...options])).code, 'ERR_USAGE');
  },

  ...onPosix({
    async 'Ctrl-C ends a backup and leaves nothing behind'(t) {
      const persistPath = join(t.tempDir(), 'config.db');
      const config = createProductionConfig({ persistPath, environment: 'production' });
      t.after(() => config.close());
      await Promise.all(Array.from({ length: 3000 }, (_, index) => config.persist(`${index} ${'ü'.repeat(900)}`)));
      for (const [signal, code] of [
        ['SIGINT', 130],
        ['SIGTERM', 143],
      ]) {
        let ended = 0;
        // One that is over before the signal comes is a backup like any other.
        for (let attempt = 0; ended !== code; attempt += 1) {
          assert.ok(attempt < 20, 'never was it interrupted');
          const directory = t.tempDir();
          const child = start(t, [
            'backup',
            join(directory, 'copy.db'),
            '--db',
            persistPath,
            '--pages-per-step',
            '1',
            '--json',
          ]);
          let stderr = '';
          child.stderr.setEncoding('utf8').on('data', (text) => {
            stderr += text;
          });
          const closed = once(child, 'close');
          while (readdirSync(directory).length === 0 && child.exitCode === null) await setImmediate();
          child.kill(signal);
          [ended] = await closed;
          if (ended === 0) continue;
          assert.equal(ended, code, stderr);
          assert.deepEqual(JSON.parse(stderr).error, {
            code: signal === 'SIGINT' ? 'ERR_INTERRUPTED' : 'ERR_TERMINATED',
            message: `${signal === 'SIGINT' ? 'Interrupted' : 'Terminated'}: no copy is left behind`,
            applied: false,
          });
          assert.deepEqual(readdirSync(directory), []);
        }
      }
    },
  }),

  async 'prune removes what is old when it was told twice'(t) {
    const persistPath = await threeRevisions(t);
    const options = production(persistPath);
    for (const args of [
      ['--keep', '1'],
      ['--yes'],
      ['--keep', '0', '--yes'],
      ['--keep', '1', '--yes', '--no-persist'],
    ]) {
      assert.equal((await refusal(t, 2, ['prune', ...args, ...options])).code, 'ERR_USAGE');
    }
    assert.equal((await history(persistPath)).length, 3);
    const pruned = await result(t, ['prune', '--keep', '1', '--yes', '--actor', 'alice', ...options]);
    // The one that rollback goes to stays, too.
    assert.deepEqual([pruned.removed, pruned.kept, pruned.oldest], [1, 2, 2]);
    assert.equal(
      await print(t, ['prune', '--keep', '1', '--yes', ...options]),
      'removed 0 revisions, kept 2, from 2 on\n',
    );
    assert.equal((await refusal(t, 3, ['diff', '1', '2', ...options])).code, 'ERR_REVISION_PRUNED');
    assert.equal((await refusal(t, 3, ['rollback', '1', ...options])).code, 'ERR_REVISION_PRUNED');
    assert.equal((await result(t, ['verify', ...options])).ok, true);
  },

  ...onPosix({
    async 'on a terminal prune asks, and long work shows how far it is'(t) {
      const persistPath = await threeRevisions(t);
      const onTerminal = (answer, ...args) => runOnTerminal(t, answer, [...args, ...production(persistPath)]);
      const declined = await onTerminal('n', 'prune', '--keep', '1');
      assert.match(declined.text, /Permanently remove all but the newest 1 revisions of production in .*\? \(y\/N\)/);
      assert.match(declined.text, /Nothing was removed .*\(ERR_DECLINED\)/);
      assert.equal(declined.code, 1);
      assert.equal((await history(persistPath)).length, 3);
      const pruned = await onTerminal('yes', 'prune', '--keep', '1');
      assert.match(pruned.text, /removed 1 revisions, kept 2/);
      assert.equal(pruned.code, 0);
      const verified = await onTerminal('', 'verify');
      assert.match(verified.text, /\rverify \[[= ]{30}\] +\d+% \d+\/\d+/);
      assert.match(verified.text, /no problems/);
      assert.equal((await onTerminal('', 'verify', '--json')).text.includes('['.padEnd(5)), false, 'no bar');
    },
  }),

  async 'a file that may not be written can be read, and is not changed'(t) {
    const persistPath = await threeRevisions(t);
    const before = readFileSync(persistPath);
    const through = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    chmodSync(join(persistPath, '..'), 0o755);
    chmodSync(persistPath, 0o444);
    for (const args of [['rollback'], ['promote', 'production', '--create'], ['prune', '--keep', '1', '--yes']]) {
      const { code, stderr } = await run(
        t,
        [...args, '--db', persistPath, '--env', args[0] === 'promote' ? 'staging' : 'production', '--json'],
        process.getuid?.() === 0 ? { through } : {},
      );
      assert.equal(code, 1, stderr);
      assert.equal(JSON.parse(stderr).error.code, 'ERR_STORE_PERMISSION');
    }
    assert.deepEqual(readFileSync(persistPath), before);
  },
});

/** A closed database with three revisions of production. */
async function threeRevisions(t) {
  const persistPath = await database(t);
  const config = createProductionConfig({ persistPath, environment: 'production', actor: 'tester' });
  config.enableFeature('debug');
  config.setTerminalSettings(2, 24, 80);
  await config.persist('two');
  config.disableFeature('metrics');
  config.setRollout('debug', 12.5);
  await config.persist('three\nwith a line');
  await config.close();
  return persistPath;
}

/** A process that shares the live state. */
async function join2(t, persistPath) {
  const peer = startProcess();
  t.after(() => peer.stop());
  await peer.tell('open', { persistPath, environment: 'production', enableClusterSync: true });
  return peer;
}

/** The error of a command that fails, with `--json` alone. */
async function refusal(t, code, args, options) {
  const { code: ended, stdout, stderr } = await run(t, ['--json', ...args], options);
  assert.deepEqual([ended, stdout], [code, ''], `${args.join(' ')}: ${stderr}`);
  return conforming('error', stderr).error;
}

/** Runs the program on a terminal, and types an answer when it asks. */
async function runOnTerminal(t, answer, args) {
  const command = [process.execPath, programFile, ...args]
    .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
    .join(' ');
  const child = spawn('script', ['-qefc', command, '/dev/null'], { env: { ...process.env, NO_COLOR: '1' } });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    if (!text.includes('(y/N)') && (text + part).includes('(y/N)')) child.stdin.write(`${answer}\n`);
    text += part;
  });
  const [code] = await once(child, 'close');
  return { code, text };
}
