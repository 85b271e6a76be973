import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createProductionConfig } from '13byte-config';
import { holdLock } from './children/locked.mjs';
import {
  conforming,
  database,
  failure,
  forEach,
  history,
  print,
  production,
  programFile,
  result,
  run,
} from './harness/command-line.mjs';
import { suite } from './harness/suite.mjs';

/** What does something to a terminal, or to who reads it. */
const HOSTILE = '\u001B]0;title\u0007\u009B2J\u202Egnp\u2028\u2066';
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

export default suite(
  'command line: failures',
  {
    async 'a change that the disk refuses has changed nothing, whether programs are running or not'(t) {
      const persistPath = await database(t);
      const options = production(persistPath);
      const before = await print(t, ['export', ...options]);
      const lock = await holdLock(t, 'write', persistPath);
      const commands = [
        ['disable', 'metrics', 'debug'],
        ['enable', 'metrics', '--rollout', '5'],
        ['terminal', 'raw', '1', '2'],
        ['rollback', '1'],
      ];
      const refused = async (command) => {
        const { code, stderr } = await run(t, [...command, '--json', ...options]);
        const { applied, message } = conforming('error', stderr).error;
        assert.deepEqual([code, applied], [1, false], message);
        assert.match(message, /^Nothing was changed: .* stayed locked/);
        return message;
      };
      assert.doesNotMatch(await refused(commands[0]), /--no-persist/);
      const config = createProductionConfig({ persistPath, environment: 'production', enableClusterSync: true });
      t.after(() => config.close());
      await forEach(commands, async (command) => {
        const message = await refused(command);
        const advises = message.endsWith('. With --no-persist, the change is made in the running programs alone');
        assert.equal(advises, command[0] !== 'rollback');
      });
      assert.equal(await print(t, ['export', ...options]), before);
      const { changed, persisted } = await result(t, ['disable', 'metrics', '--no-persist', ...options]);
      assert.deepEqual([changed, persisted, config.isFeatureEnabled('metrics')], [true, false, false]);
      await lock.release();
    },

    async 'JSON has nothing in it that a terminal would act on, and means the same'(t) {
      const options = production(await database(t));
      const reason = HOSTILE;
      await print(t, ['enable', 'debug', '--reason', reason, ...options]);
      for (const command of [['status'], ['history']]) {
        const printed = await print(t, [...command, '--json', ...options]);
        assert.doesNotMatch(printed.replaceAll('\n', ''), UNSEEN);
        const { revision, revisions } = JSON.parse(printed);
        assert.equal((revision ?? revisions[0]).reason, reason);
      }
    },

    async 'output that cannot be written has an exit code of its own, and no stack trace'(t) {
      const persistPath = await database(t);
      const options = production(persistPath);
      if (process.platform !== 'linux') return;
      await forEach(
        [
          [['enable', 'debug', ...options], 6],
          [['history', ...options], 6],
          [['--help'], 6],
          [['watch', '--json', ...options], 6],
          [[], 6],
          [['disable', 'dbug', ...options], 2],
        ],
        async ([args, wanted]) => {
          const { code, stderr } = await runOnFull(args);
          assert.equal(code, wanted, `${args}: ${stderr}`);
          assert.match(stderr, /^13byte-config: [^\n]*\n$|^\{"error":[^\n]*\n$/);
        },
      );
      assert.equal((await history(persistPath))[0].revision, 2, 'the change was made');
      const { error } = conforming('error', (await runOnFull(['rollout', 'debug', '5', '--json', ...options])).stderr);
      assert.deepEqual([error.code, error.applied], ['ERR_OUTPUT', true]);
      const again = conforming('error', (await runOnFull(['rollout', 'debug', '5', '--json', ...options])).stderr);
      assert.equal(again.error.applied, false, 'it was so before');
    },

    async 'a full stderr does not end a command'(t) {
      if (process.platform !== 'linux') return;
      const persistPath = await database(t);
      const child = spawn(process.execPath, [programFile, 'watch', ...production(persistPath)], {
        stdio: ['ignore', 'pipe', openSync('/dev/full', 'w')],
      });
      t.after(() => child.kill('SIGKILL'));
      const config = createProductionConfig({ persistPath, environment: 'production', enableClusterSync: true });
      t.after(() => config.close());
      const timer = setInterval(() => config.toggleFeature('debug'), 50);
      t.after(() => clearInterval(timer));
      await once(child.stdout, 'data');
      child.kill('SIGTERM');
      assert.deepEqual(await once(child, 'close'), [0, null]);
    },

    async 'without a command it prints its help'(t) {
      assert.equal(await print(t, []), await print(t, ['--help']));
      assert.equal(conforming('error', (await run(t, ['--json'])).stderr).error.code, 'ERR_USAGE');
    },

    async 'whatever is typed, messages are of one line, cut, and without what is not seen'(t) {
      const persistPath = await database(t);
      const options = production(persistPath);
      const long = 'x'.repeat(50_000);
      const commands = [HOSTILE, long].flatMap((word) => [
        [word],
        ['enable', word, ...options],
        ['get', word, ...options],
        ['status', `--${word}`],
        ['status', '--db', join(persistPath, '..', word)],
        ['status', '--db', persistPath, '--env', word],
        ['status', '--cluster', word],
        ['promote', word, ...options],
        ['import', word, ...options],
        ['rollout', 'debug', word, ...options],
        ['terminal', word, '1', '1', ...options],
        ['history', '--limit', word, ...options],
        ['verify', '--expected-head', word, ...options],
        ['completion', word],
        ['backup', join(persistPath, word), ...options],
        ['enable', 'debug', '--actor', `${word}${long}`, ...options],
      ]);
      await forEach(commands, async (args) => {
        for (const more of args.includes(HOSTILE) ? [[], ['--json']] : [[]]) {
          const { code, stdout, stderr } = await run(t, [...more, ...args]);
          assert.ok(code !== 0 && stdout === '' && stderr.endsWith('\n'), `${code} ${stderr}`);
          assert.doesNotMatch(stderr.slice(0, -1), UNSEEN, JSON.stringify(args).slice(0, 100));
          assert.ok(stderr.length < 5000, `${stderr.length}: ${stderr.slice(0, 200)}`);
        }
      });
    },

    async 'a bad import is told in a bounded number of bounded lines'(t) {
      const persistPath = await database(t);
      const file = join(persistPath, '..', 'flags.json');
      const features = Object.fromEntries(
        Array.from({ length: 3000 }, (_, index) => [
          `${HOSTILE}${index}${'y'.repeat(200)}`,
          { enabled: HOSTILE, rollout: HOSTILE },
        ]),
      );
      for (const document of [
        { format: HOSTILE.repeat(100), environments: {} },
        {
          format: '13byte-config/1',
          environments: {
            production: { terminal: { mode: HOSTILE.repeat(100), rows: 1, cols: 1, [HOSTILE]: 1 }, features },
          },
        },
        { format: '13byte-config/1', environments: { [HOSTILE.repeat(1000)]: {}, ['z'.repeat(10_000)]: {} } },
      ]) {
        writeFileSync(file, JSON.stringify(document));
        const { message, problems } = await failure(t, 2, ['import', file, ...production(persistPath)]);
        assert.ok(
          problems.length <= 100 && message.length < 100_000,
          `${problems.length} problems, ${message.length} characters`,
        );
        for (const line of message.split('\n')) {
          assert.doesNotMatch(line, UNSEEN);
          assert.ok(line.length < 2500, `${line.length}`);
        }
        for (const { path, message: problem } of problems) assert.doesNotMatch(path + problem, UNSEEN);
      }
    },
  },
  { timeoutMs: 120_000 },
);

/** Runs it with a stdout that cannot be written. */
async function runOnFull(args) {
  const child = spawn(process.execPath, [programFile, ...args], {
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
  });
  const [[code], stderr] = await Promise.all([once(child, 'close'), text(child.stderr)]);
  return { code, stderr };
}
