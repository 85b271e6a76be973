// `export` and `import`, through the real program.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
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
  result,
  run,
} from './harness/command-line.mjs';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

const TERMINAL = '"terminal": { "mode": "cooked", "rows": 30, "cols": 90 }';

export default suite('command line: export and import', {
  'the schema of the file has the names, modes and ranges of the core'(t) {
    const { document: schema, state, feature } = JSON.parse(source('docs/schemas/export.json')).$defs;
    const layout = source('lib/core/layout.ts');
    const pattern = (name) => new RegExp(`^export const ${name} = /(.+)/;$`, 'm').exec(layout)?.[1];
    assert.deepEqual(Object.keys(schema.properties.environments.patternProperties), [pattern('ENVIRONMENT_NAME')]);
    assert.deepEqual(Object.keys(state.properties.features.patternProperties), [pattern('FEATURE_NAME')]);
    const config = createProductionConfig();
    t.after(() => config.close());
    const { mode, rows, cols } = state.properties.terminal.properties;
    const modes = mode.enum.map((_, number) => {
      config.setTerminalSettings(number, rows.minimum, cols.maximum);
      return config.getDebugView().terminal.modeName;
    });
    assert.deepEqual(modes, mode.enum);
    for (const [what, settings] of [
      ['terminal mode', [mode.enum.length, 1, 1]],
      ['rows', [0, rows.minimum - 1, 1]],
      ['rows', [0, rows.maximum + 1, 1]],
      ['cols', [0, 1, cols.minimum - 1]],
      ['cols', [0, 1, cols.maximum + 1]],
    ]) {
      assert.throws(
        () => config.setTerminalSettings(...settings),
        (error) => error.message.startsWith(`Invalid ${what}: `),
      );
    }
    const { minimum, maximum } = feature.properties.rollout;
    config.setRollout('debug', minimum);
    config.setRollout('debug', maximum);
    for (const percent of [minimum - 0.01, maximum + 0.01]) {
      assert.throws(() => config.setRollout('debug', percent), { code: 'ERR_OUT_OF_RANGE' });
    }
  },

  async 'a state is exported by name, sorted, a line for each feature'(t) {
    const persistPath = await small(t);
    const text = document('production', [
      ['a.b', true, 12.34],
      ['search', false, 100],
      ['shop', true, 100],
    ]);
    assert.equal(await print(t, ['export', ...production(persistPath)]), text);
    assert.equal(await print(t, ['export', '-', '--json', ...production(persistPath)]), text);
    conforming('export', text);
    const file = join(t.tempDir(), 'flags.json');
    writeFileSync(file, 'older');
    const written = await result(t, ['export', file, ...production(persistPath)]);
    assert.deepEqual(written, { file, environments: [{ environment: 'production', live: false }] });
    assert.equal(readFileSync(file, 'utf8'), text);
    assert.deepEqual(readdirSync(join(file, '..')), ['flags.json']);
    assert.equal(
      await print(t, ['export', file, ...production(persistPath)]),
      `production: what is persisted, in ${file}\n`,
    );
    const failed = await failure(t, 1, ['export', join(file, 'below'), ...production(persistPath)]);
    assert.equal(failed.code, 'ERR_FILE');
  },

  ...onPosix({
    async 'what is not a regular file is written to, and what is replaced keeps its mode and its links'(t) {
      const persistPath = await small(t);
      const whole = await print(t, ['export', ...production(persistPath)]);
      const [fifo, file, link] = ['fifo', 'flags.json', 'link'].map((name) => join(t.tempDir(), name));
      execFileSync('mkfifo', [fifo]);
      const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'inherit'] });
      t.after(() => reader.kill('SIGKILL'));
      const [read] = await Promise.all([textOf(reader.stdout), print(t, ['export', fifo, ...production(persistPath)])]);
      assert.equal(read, whole);
      assert.ok(lstatSync(fifo).isFIFO());
      await print(t, ['export', '/dev/null', ...production(persistPath)]);
      assert.ok(lstatSync('/dev/null').isCharacterDevice());

      writeFileSync(file, 'older');
      chmodSync(file, 0o640);
      if (process.getuid() === 0) chownSync(file, 65_534, 65_534);
      const { uid, gid, mode } = statSync(file);
      symlinkSync(file, link);
      await print(t, ['export', link, ...production(persistPath)]);
      assert.ok(lstatSync(link).isSymbolicLink());
      assert.equal(readFileSync(file, 'utf8'), whole);
      const now = statSync(file);
      assert.deepEqual([now.uid, now.gid, now.mode], [uid, gid, mode]);
    },
  }),

  async 'all environments are exported, each is imported'(t) {
    const persistPath = await small(t);
    await withConfig({ persistPath, environment: 'a-staging' }, async (config) => {
      config.enableFeature('search');
      await config.persist('tested');
    });
    const file = join(t.tempDir(), 'all.json');
    await print(t, ['export', file, '--all-environments', '--db', persistPath]);
    const { environments } = conforming('export', readFileSync(file, 'utf8'));
    assert.deepEqual(Object.keys(environments), ['a-staging', 'production']);
    const text = await print(t, [
      'import',
      file,
      '--from',
      'a-staging',
      '--reason',
      'release 7',
      '--actor',
      'alice',
      ...production(persistPath),
    ]);
    assert.equal(
      text,
      '+search\n-shop\n-a.b\na.b 12.34% → 100%\nterminal cooked 30x90 → raw 24x80\nno running program shares the live state; persisted as revision 3\n',
    );
    const [entry] = await history(persistPath);
    assert.deepEqual([entry.changeReason, entry.actor], ['release 7', 'alice']);
    const back = await result(t, ['import', file, ...production(persistPath)]);
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
        restoredFrom: null,
        reason: `13byte-config import ${file}`,
        actor: back.actor,
        from: 'production',
        dryRun: false,
        addedFeatures: [],
        changes: ['+shop', '+a.b', '-search', 'a.b 100% → 12.34%', 'terminal raw 24x80 → cooked 30x90'],
      },
    );
    // What is persisted already is not persisted again.
    const again = await result(t, ['import', file, ...production(persistPath)]);
    assert.deepEqual([again.changed, again.persisted, again.revision], [false, true, 4]);
    assert.equal((await history(persistPath)).length, 3);
    const unknown = await failure(t, 2, ['import', file, '--from', 'staging', ...production(persistPath)]);
    assert.ok(
      unknown.message.includes(
        'has nothing for staging, only for a-staging, production. Did you mean a-staging? Choose one with --from',
      ),
      unknown.message,
    );
  },

  async 'a dry run tells what would be different, and changes nothing'(t) {
    const persistPath = await small(t);
    const file = write(
      t,
      document('production', [
        ['shop', false, 50],
        ['cart', true, 100],
      ]),
    );
    const options = ['--dry-run', '--add-features', ...production(persistPath)];
    const dry = await result(t, ['import', file, ...options]);
    assert.deepEqual(
      [dry.dryRun, dry.changed, dry.persisted, dry.revision, dry.addedFeatures, dry.changes],
      [true, true, false, 1, ['cart'], ['+cart', '-shop', 'shop 100% → 50%']],
    );
    assert.equal(
      await print(t, ['import', file, ...options]),
      'would register cart\n+cart\n-shop\nshop 100% → 50%\ndry run: nothing was changed\n',
    );
    assert.equal((await history(persistPath)).length, 1);
    await withConfig({ persistPath, environment: 'production' }, (config) => {
      assert.deepEqual(config.getFeatureNames(), ['shop', 'search', 'a.b']);
      assert.deepEqual(config.getEnabledFeatures(), ['shop', 'a.b']);
    });
  },

  async 'running programs have an import at once, with features that are new to them'(t) {
    const persistPath = await small(t);
    const peer = startProcess();
    t.after(() => peer.stop());
    await peer.tell('open', { persistPath, environment: 'production', enableClusterSync: true });
    await peer.tell('disableFeature', 'a.b');
    const live = await print(t, ['export', ...production(persistPath)]);
    assert.ok(live.includes('"a.b": { "enabled": false, '), 'the live state');
    const file = write(
      t,
      document('production', [
        ['cart', true, 5],
        ['shop', false, 100],
      ]),
    );
    const refused = await failure(t, 2, ['import', file, ...production(persistPath)]);
    assert.equal(refused.code, 'ERR_DOCUMENT');
    const text = await print(t, ['import', file, '--add-features', ...production(persistPath)]);
    assert.equal(
      text,
      'registered cart\n+cart\n-shop\ncart 100% → 5%\nrunning programs have it; persisted as revision 2\n',
    );
    assert.deepEqual(await peer.tell('getEnabledFeatures'), ['cart']);
    assert.equal(await peer.tell('getRollout', 'cart'), 5);
    const again = await result(t, ['import', file, ...production(persistPath)]);
    assert.deepEqual([again.live, again.changed, again.revision], [true, false, 2]);
    // The live state is another one, though the database has it.
    await peer.tell('enableFeature', 'search');
    const back = await result(t, [
      'import',
      write(t, document('production', [['search', false, 100]])),
      ...production(persistPath),
    ]);
    assert.deepEqual([back.changed, back.changes], [true, ['-search']]);
    assert.equal(await peer.tell('isFeatureEnabled', 'search'), false);
  },

  async 'everything that is wrong with a file is told, and nothing is changed'(t) {
    const persistPath = await small(t);
    const before = await history(persistPath);
    const file = write(
      t,
      `{
  "format": "13byte-config/1",
  "environments": {
    "production": {
      "terminal": { "mode": "rwa", "rows": 0, "cols": 80, "rows": 24, "row": 1 },
      "features": {
        "shop": { "enabled": false, "rollout": 100 },
        "serch": { "enabled": 1, "rollout": 100.001 },
        "b a": { "enabled": true, "rollout": 1 },
        "a.b": { "enabled": true }
      }
    },
    "sta/ging": {},
    "staging": []
  },
  "version": 1
}
`,
    );
    const error = await failure(t, 2, ['import', file, ...production(persistPath)]);
    assert.equal(error.code, 'ERR_DOCUMENT');
    assert.deepEqual(
      error.problems.map(({ path, line }) => [path, line]),
      [
        ['$.environments.production.terminal.mode', 5],
        ['$.environments.production.terminal.rows', 5],
        ['$.environments.production.terminal.rows', 5],
        ['$.environments.production.terminal.row', 5],
        ['$.environments.production.features.serch', 8],
        ['$.environments.production.features.serch.enabled', 8],
        ['$.environments.production.features.serch.rollout', 8],
        ['$.environments.production.features["b a"]', 9],
        ['$.environments.production.features["a.b"]', 10],
        ['$.environments["sta/ging"]', 13],
        ['$.environments.staging', 14],
        ['$.version', 16],
      ],
    );
    assert.deepEqual(error.problems[4], {
      path: '$.environments.production.features.serch',
      line: 8,
      column: 9,
      message: 'the database has no feature of that name. Did you mean search? Register new ones with --add-features',
    });
    assert.ok(
      error.message.startsWith(
        `${file} has 12 problems. Nothing was changed:\n  ${file}:5:29 $.environments.production.terminal.mode: `,
      ),
      error.message,
    );
    assert.deepEqual(await history(persistPath), before);
  },

  async 'what is no export is refused in a word'(t) {
    const persistPath = await small(t);
    const many = Array.from({ length: 254 }, (_, index) => [`f${index}`, true, 100]);
    for (const [text, code, message, args = []] of [
      [
        '{"format": "13byte-config/2", "environments": 7, "new": 1}',
        2,
        'format 2 is newer than 1, the newest this version knows (update 13byte-config)',
      ],
      ['[['.repeat(100_000), 2, 'is nested more than 16 levels deep'],
      [' '.repeat(1_048_577), 2, 'is too large to be an export (at most 1048576 bytes)'],
      [Buffer.from([0x7b, 0xff, 0x7d]), 2, 'is not UTF-8 text'],
      [
        document('production', many),
        2,
        '254 new features and the 3 of the database are more than 256',
        ['--add-features'],
      ],
    ]) {
      const {
        code: ended,
        stdout,
        stderr,
      } = await run(t, ['import', write(t, text), ...args, '--json', ...production(persistPath)]);
      assert.deepEqual([ended, stdout], [code, ''], stderr);
      const { error } = conforming('error', stderr);
      assert.equal(error.code, 'ERR_DOCUMENT');
      assert.ok(error.message.includes(message), error.message);
    }
    const missing = await failure(t, 3, ['import', 'missing.json', ...production(persistPath)]);
    assert.deepEqual([missing.code, missing.message], ['ERR_FILE_NOT_FOUND', 'No such file: missing.json']);
    assert.equal((await failure(t, 1, ['import', t.tempDir(), ...production(persistPath)])).code, 'ERR_FILE');
    assert.equal((await failure(t, 2, ['import', 'x', '--no-persist', ...production(persistPath)])).code, 'ERR_USAGE');
    assert.equal((await history(persistPath)).length, 1);
    await withConfig({ persistPath, environment: 'production' }, (config) =>
      assert.equal(config.getFeatureNames().length, 3),
    );
  },

  async 'a conflict is found before anything is registered or changed'(t) {
    const persistPath = await small(t);
    const file = write(t, document('production', [['cart', true, 100]]));
    for (const extra of [[], ['--dry-run']]) {
      const error = await failure(t, 5, [
        'import',
        file,
        '--add-features',
        '--if-revision',
        '7',
        ...extra,
        ...production(persistPath),
      ]);
      assert.deepEqual([error.code, error.applied], ['ERR_REVISION_CONFLICT', false]);
    }
    await withConfig({ persistPath, environment: 'production' }, (config) =>
      assert.deepEqual(config.getFeatureNames(), ['shop', 'search', 'a.b']),
    );
    assert.equal(
      (await result(t, ['import', file, '--add-features', '--if-revision', '1', ...production(persistPath)])).revision,
      2,
    );
  },

  async 'a database, or an environment, is begun only when that is asked for'(t) {
    const directory = t.tempDir();
    const persistPath = join(directory, 'new.db');
    const file = write(t, document('production', [['cart', true, 5]]));
    const missing = await failure(t, 3, ['import', file, ...production(persistPath)]);
    assert.equal(missing.code, 'ERR_STORE_NOT_FOUND');
    const trial = await result(t, ['import', file, '--create', '--dry-run', ...production(persistPath)]);
    assert.deepEqual([trial.changed, trial.addedFeatures], [true, ['cart']]);
    assert.deepEqual(readdirSync(directory), []);
    // A new database has the features of the file, and no others.
    const made = await result(t, ['import', file, '--create', ...production(persistPath)]);
    assert.deepEqual(made.addedFeatures, ['cart']);
    assert.deepEqual(
      (await result(t, ['status', ...production(persistPath)])).features.map(({ name }) => name),
      ['cart'],
    );
    assert.deepEqual(
      [made.revision, made.changes],
      [1, ['+cart', 'cart 100% → 5%', 'terminal raw 24x80 → cooked 30x90']],
    );
    assert.ok(existsSync(persistPath));
    const staging = ['--from', 'production', '--db', persistPath, '--env', 'staging'];
    assert.equal((await failure(t, 3, ['import', file, ...staging])).code, 'ERR_ENVIRONMENT_NOT_FOUND');
    assert.equal((await result(t, ['import', file, '--create', ...staging])).revision, 2);
  },

  ...onPosix({
    async 'what one database exports another one imports, through a pipe'(t) {
      const persistPath = await database(t, (config) => {
        config.setRollout('beta_feature', 33.33);
        config.enableFeature('beta_feature');
      });
      const other = join(t.tempDir(), 'other.db');
      const file = write(t, await print(t, ['export', ...production(persistPath)]));
      const through = ['sh', '-c', `"$0" "$@" < '${file}'`];
      await print(t, ['import', '-', '--create', ...production(other)], { through });
      assert.equal(await print(t, ['export', ...production(other)]), readFileSync(file, 'utf8'));
      const { code, stderr } = await run(t, ['import', '-', ...production(other)], {
        through: ['sh', '-c', 'echo "{}" | "$0" "$@"'],
      });
      assert.deepEqual([code, stderr.startsWith('13byte-config: stdin has ')], [2, true], stderr);
    },
  }),

  async 'a state that could not be imported is not exported'(t) {
    const persistPath = await small(t);
    const config = createProductionConfig({ persistPath, environment: 'production', enableClusterSync: true });
    t.after(() => config.close());
    config.updateFromBuffer(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 80, 0));
    const error = await failure(t, 1, ['export', ...production(persistPath)]);
    assert.deepEqual([error.code, error.message.includes('mode 2, 0x80')], ['ERR_INVALID_STATE', true], error.message);
  },
});

/** A database with three features, two of them on, and one revision. */
async function small(t) {
  const persistPath = join(t.tempDir(), 'config.db');
  await withConfig({ persistPath, environment: 'production', features: ['shop', 'search', 'a.b'] }, async (config) => {
    config.update((draft) => draft.enable('shop', 'a.b'));
    config.setRollout('a.b', 12.34);
    config.setTerminalSettings(1, 30, 90);
    await config.persist('one');
  });
  return persistPath;
}

async function withConfig(options, work) {
  const config = createProductionConfig(options);
  try {
    await work(config);
  } finally {
    await config.close();
  }
}

/** The text of a document as it is exported. */
function document(environment, features) {
  const lines = features.map(
    ([name, enabled, rollout]) => `        "${name}": { "enabled": ${enabled}, "rollout": ${rollout} }`,
  );
  return `{
  "format": "13byte-config/1",
  "environments": {
    "${environment}": {
      ${TERMINAL},
      "features": {
${lines.join(',\n')}
      }
    }
  }
}
`;
}

function write(t, content) {
  const file = join(t.tempDir(), 'flags.json');
  writeFileSync(file, content);
  return file;
}

/** The text of a file of the repository. */
function source(path) {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
}
