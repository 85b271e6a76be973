import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { database, failure, forEach, print, programFile, result, run } from './harness/command-line.mjs';
import { suite } from './harness/suite.mjs';

/** What each shell is run with to complete `words`, and to print a candidate on each line. */
const SHELLS = {
  bash: (words) => [
    '-c',
    `
    eval "$(13byte-config completion bash)"
    [[ $(complete -p 13byte-config) == "complete -F _config13byte 13byte-config" ]] || exit 1
    COMP_WORDS=(${quoted(words)}); COMP_CWORD=${words.length - 1}
    _config13byte
    printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  zsh: (words) => [
    '-f',
    '-c',
    `
    compdef() { [[ "$*" == "_config13byte 13byte-config" ]] || exit 1 }
    compadd() { print -rl -- "\${(@P)@[-1]}" }
    compset() { return 1 }
    _files() { print -rl -- config.db }
    eval "$(13byte-config completion zsh)"
    words=(${quoted(words)}); CURRENT=${words.length}
    _config13byte`,
  ],
  fish: (words) => [
    '--no-config',
    '-c',
    `
    13byte-config completion fish | source
    complete -C '${words.join(' ')}' | string replace -r '\\t.*' ''; true`,
  ],
};

export default suite('command line: completion', {
  async 'it completes commands, options, features and environments'(t) {
    const persistPath = await database(t);
    await forEach(
      [
        [['dis'], ['disable\tturn features off, all or none']],
        [['status', '--cl'], ['--cluster\tclusterName of a live state without a database']],
        [['status', '--no'], []],
        [['disable', '--no'], ['--no-persist\tchange the running programs only, not the database']],
        [['get', '--k'], ['--key\tdecide for this key, such as a user id']],
        [
          ['--db', persistPath, 'disable', 'm'],
          ['metrics', 'maintenance_mode'],
        ],
        [['disable', '--db', persistPath, 'metrics', 'm'], ['maintenance_mode']],
        [['get', 'metrics', '--db', persistPath, 'm'], []],
        [['--db', persistPath, '--env', ''], ['production']],
        [[`--db=${persistPath}`, '--env=prod'], ['production']],
        [['--db', '=', persistPath, '--env', '=', 'prod'], ['production']],
        [['--db', persistPath, '--env', '='], ['production']],
        [['status', '--db', ''], [':files']],
        [
          ['rollout', '--db', persistPath, 'metrics', '1'],
          ['1', '10', '100'],
        ],
        [
          ['terminal', ''],
          ['disabled', 'cooked', 'raw', 'pipe'],
        ],
        [
          ['completion', ''],
          ['bash', 'zsh', 'fish'],
        ],
        [['nonsense', 'm'], []],
        [['enable', '--reason', 'm'], []],
      ],
      async ([words, wanted]) => {
        assert.equal(
          await print(t, ['__complete', ...words]),
          wanted.map((line) => `${line}\n`).join(''),
          words.join(' '),
        );
      },
    );
    const commands = (await print(t, ['__complete', ''])).split('\n').map((line) => line.split('\t')[0]);
    assert.deepEqual(commands.slice(0, 4), ['status', 'get', 'describe', 'enable']);
    assert.equal(await print(t, ['__complete', 'get', 'me'], { env: { CONFIG13BYTE_DB: persistPath } }), 'metrics\n');
  },

  async 'it completes the features of programs that run without a database'(t) {
    const clusterName = `completion-${process.pid}`;
    const config = createProductionConfig({
      enableClusterSync: true,
      clusterName,
      environment: 'test',
      features: ['checkout', 'search'],
    });
    t.after(() => config.close());
    assert.equal(await print(t, ['__complete', 'get', '--cluster', clusterName, '--env', 'test', 'ch']), 'checkout\n');
  },

  async 'whatever is wrong, it says nothing'(t) {
    const persistPath = await database(t);
    const other = join(dirname(persistPath), 'letter.txt');
    writeFileSync(other, 'a letter to a friend '.repeat(100));
    const lines = [
      ['--db', other, 'get', ''],
      ['--db', `${persistPath}.not`, 'get', ''],
      ['get', ''],
      ['--db', persistPath, '--env', 'a b', 'get', ''],
      ['--cluster', 'a b', 'get', ''],
    ];
    await forEach(lines, async (words) => {
      assert.deepEqual(
        await run(t, ['__complete', ...words]),
        { code: 0, signal: null, stdout: '', stderr: '' },
        words.join(' '),
      );
    });
  },

  async 'it prints a script for each shell'(t) {
    for (const shell of Object.keys(SHELLS)) {
      const script = await print(t, ['completion', shell]);
      assert.ok(script.includes('__complete') && script.includes(`completion ${shell}`), script);
      assert.deepEqual(await result(t, ['completion', shell]), { shell, script });
    }
    const error = await failure(t, 2, ['completion', 'basj']);
    assert.ok(error.message.startsWith('Unknown shell: basj. Did you mean bash? Available: bash'), error.message);
  },

  ...Object.fromEntries(
    Object.entries(SHELLS)
      .filter(([shell]) => isInstalled(shell))
      .map(([shell, argumentsFor]) => [
        `${shell} asks it`,
        async (t) => {
          const persistPath = await database(t);
          const directory = dirname(persistPath);
          const bin = t.tempDir();
          const program = join(bin, '13byte-config');
          writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${programFile}' "$@"\n`);
          chmodSync(program, 0o755);
          for (const [words, wanted] of [
            [['dis'], ['disable']],
            [
              ['--db', 'config.db', 'disable', 'm'],
              ['metrics', 'maintenance_mode'],
            ],
            [['--db', 'con'], ['config.db']],
          ]) {
            const { status, stdout, stderr } = spawnSync(shell, argumentsFor(['13byte-config', ...words]), {
              cwd: directory,
              env: {
                ...process.env,
                PATH: `${bin}${delimiter}${process.env.PATH}`,
                HOME: directory,
                XDG_CONFIG_HOME: directory,
              },
              encoding: 'utf8',
            });
            const candidates = stdout.split('\n').filter((line) => line !== '' && !/-(shm|wal)$/.test(line));
            assert.deepEqual([status, stderr, candidates.toSorted()], [0, '', wanted.toSorted()], words.join(' '));
          }
        },
      ]),
  ),
});

function isInstalled(shell) {
  return spawnSync(shell, ['-c', 'true']).status === 0;
}

function quoted(words) {
  return words.map((word) => `'${word}'`).join(' ');
}
