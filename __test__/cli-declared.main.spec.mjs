// The commands about what programs declare of their features, and about features that can be removed.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProductionConfig } from '13byte-config';
import { pathOfRuntimeWithSqlite } from './children/other-sqlite.mjs';
import { failure, print, production, result, run } from './harness/command-line.mjs';
import { suite } from './harness/suite.mjs';

const FEATURES = {
  checkout: { description: 'The new checkout', owner: 'payments', expires: '2020-03-01', enabled: true, rollout: 10 },
  search: { owner: 'team\u001b[31m search', enabled: true },
  plain: {},
};

const hasGit = spawnSync('git', ['--version']).status === 0;

export default suite('command line: declared features', {
  async 'describe shows what was declared, and the last change'(t) {
    const persistPath = await declared(t);
    const checkout = await result(t, ['describe', 'checkout', ...production(persistPath)]);
    const { at, ...lastChange } = checkout.lastChange;
    assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000, at);
    assert.deepEqual(
      { ...checkout, lastChange },
      {
        database: persistPath,
        cluster: null,
        environment: 'production',
        live: false,
        name: 'checkout',
        enabled: true,
        rollout: 10,
        bit: 0,
        description: 'The new checkout',
        owner: 'payments',
        expires: '2020-03-01T00:00:00.000Z',
        expired: true,
        lastChange: { revision: 1, actor: 'deploy', reason: 'declared' },
      },
    );
    assert.match(
      await print(t, ['describe', 'checkout', ...production(persistPath)]),
      /^feature\tcheckout\nstate\ton\nrollout\t10%\nbit\t0\ndescription\tThe new checkout\nowner\tpayments\nexpires\t2020-.*, past\nlast change\trevision 1, .*deploy: declared\n$/,
    );
    const plain = await print(t, ['describe', 'plain', ...production(persistPath)]);
    assert.equal(plain, 'feature\tplain\nstate\toff\nrollout\t100%\nbit\t2\nlast change\tnone in the history\n');
    // What a program said must not control the terminal.
    assert.match(await print(t, ['describe', 'search', ...production(persistPath)]), /owner\tteam\\u001b\[31m search/);
    const unknown = await failure(t, 2, ['describe', 'chekout', ...production(persistPath)]);
    assert.ok(unknown.message.includes('Did you mean checkout?'), unknown.message);
    const status = await result(t, ['status', ...production(persistPath)]);
    assert.deepEqual(
      status.features.map(({ name, owner, expired }) => [name, owner, expired]),
      [
        ['checkout', 'payments', true],
        ['search', FEATURES.search.owner, false],
        ['plain', null, false],
      ],
    );
  },

  async 'stale lists what has expired, or has long been fully on or off, and where it is named'(t) {
    const persistPath = await declared(t);
    const names = async (...args) =>
      (await result(t, ['stale', ...args, ...production(persistPath)])).features.map(({ name }) => name);
    assert.deepEqual(await names(), ['checkout'], 'a young history says nothing');
    age(persistPath, 41);
    const config = createProductionConfig({ persistPath, environment: 'production', features: ['half', 'young'] });
    config.enableFeature('half');
    config.setRollout('half', 50);
    await config.persist();
    await config.close();
    // `half` has not changed for long either, but is on for some; `young` was never changed, and is as old as the history.
    age(persistPath, 41);
    const toggled = createProductionConfig({ persistPath, environment: 'production' });
    toggled.enableFeature('young');
    await toggled.persist();
    await toggled.close();
    assert.deepEqual(await names(), ['checkout', 'search', 'plain']);
    assert.deepEqual(await names('--days', '90'), ['checkout']);

    const directory = t.tempDir();
    mkdirSync(join(directory, 'node_modules'));
    mkdirSync(join(directory, 'src'));
    const source =
      "import x from 'y';\nif (flags.search || on('checkout')) research();\nconst search_all = searching;\n";
    writeFileSync(join(directory, 'src', 'app.ts'), source);
    writeFileSync(join(directory, 'node_modules', 'search.js'), 'search');
    writeFileSync(join(directory, 'binary'), 'search\0');
    const places = async () => {
      const { features } = await result(t, ['stale', '--in', directory, ...production(persistPath)]);
      return Object.fromEntries(features.map(({ name, places: own }) => [name, own]));
    };
    const app = [{ file: 'src/app.ts', line: 2 }];
    assert.deepEqual(await places(), { checkout: app, search: app, plain: [] });
    assert.match(
      await print(t, ['stale', '--in', directory, ...production(persistPath)]),
      /^checkout\ton for 10%\texpired 2020-03-01T00:00:00\.000Z\tpayments\tsrc\/app\.ts:2\nsearch\ton for 100%\tunchanged since .*\nplain\toff\tunchanged since .*\t\tno file\n$/,
    );
    const missing = join(directory, 'missing');
    assert.equal(
      (await failure(t, 3, ['stale', '--in', missing, ...production(persistPath)])).code,
      'ERR_FILE_NOT_FOUND',
    );
    assert.equal((await failure(t, 2, ['stale', '--days', '0', ...production(persistPath)])).code, 'ERR_USAGE');
  },

  ...(hasGit && {
    async 'in a repository, git says which files count'(t) {
      const persistPath = await declared(t);
      const directory = t.tempDir();
      execFileSync('git', ['init', '--quiet', directory]);
      mkdirSync(join(directory, 'src'));
      for (const [file, text] of [
        ['.gitignore', 'ignored.ts\n'],
        ['ignored.ts', 'checkout()'],
        [join('src', 'main.ts'), "\n\non('checkout');"],
        ['.hidden', 'checkout'],
      ]) {
        writeFileSync(join(directory, file), text);
      }
      const { features } = await result(t, ['stale', '--in', directory, ...production(persistPath)]);
      assert.deepEqual(
        features.map(({ name, places }) => [name, places.toSorted((a, b) => (a.file < b.file ? -1 : 1))]),
        [
          [
            'checkout',
            [
              { file: '.hidden', line: 1 },
              { file: 'src/main.ts', line: 3 },
            ],
          ],
        ],
      );
    },
  }),

  async 'commands that list features take a pattern'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const features = ['shop.cart', 'shop.search', 'shop', 'workshop', 'shopXcart'];
    const config = createProductionConfig({ persistPath, environment: 'production', features });
    await config.persist();
    await config.close();
    const matching = async (command, pattern) =>
      (await result(t, [command, '--match', pattern, ...production(persistPath)])).features.map(({ name }) => name);
    assert.deepEqual(await matching('status', 'shop.*'), ['shop.cart', 'shop.search']);
    assert.deepEqual(await matching('get', '*shop'), ['shop', 'workshop']);
    assert.deepEqual(await matching('get', '*'), features);
    assert.deepEqual(await matching('get', 'shop.cart'), ['shop.cart']);
    age(persistPath, 41);
    assert.deepEqual(await matching('stale', 'shop*h'), ['shop.search']);
    const none = await failure(t, 2, ['status', '--match', 'shp.*', ...production(persistPath)]);
    assert.deepEqual(
      [none.code, none.message.startsWith('No feature matches "shp.*".')],
      ['ERR_UNKNOWN_FEATURE', true],
    );
    assert.equal((await failure(t, 2, ['get', 'shop', '--match', '*', ...production(persistPath)])).code, 'ERR_USAGE');
  },

  async 'export and import keep what was declared'(t) {
    const persistPath = await declared(t);
    const other = join(t.tempDir(), 'other.db');
    const file = join(t.tempDir(), 'flags.json');
    await print(t, ['export', file, ...production(persistPath)]);
    await print(t, ['import', file, '--create', ...production(other)]);
    const text = await print(t, ['export', ...production(other)]);
    assert.equal(text, await print(t, ['export', ...production(persistPath)]));
    assert.deepEqual(JSON.parse(text).features, {
      checkout: { description: 'The new checkout', owner: 'payments', expires: '2020-03-01T00:00:00.000Z' },
      search: { owner: FEATURES.search.owner },
    });
    // A program that declares them afterwards finds them decided.
    const config = createProductionConfig({ persistPath: other, environment: 'production', features: FEATURES });
    t.after(() => config.close());
    assert.equal((await config.getHistory()).length, 1);

    const wrong = JSON.parse(text);
    wrong.features = { 'no name': {}, plain: { owner: 7, expires: 'soon', colour: 'red' }, search: [] };
    writeFileSync(file, JSON.stringify(wrong));
    const { code, stderr } = await run(t, ['import', file, ...production(other)]);
    assert.equal(code, 2);
    for (const problem of [
      /\$\.features\["no name"\]: "no name" cannot name a feature/,
      /\$\.features\.plain\.owner: Invalid owner: 7 \(must be a string\)/,
      /\$\.features\.plain\.expires: Invalid expires: "soon" \(must be a Date/,
      /\$\.features\.plain\.colour: is not a known property/,
      /\$\.features\.search: must be an object, not an array/,
    ]) {
      assert.match(stderr, problem);
    }
  },
});

/** A database with these features, as a program declares them. */
async function declared(t) {
  const persistPath = join(t.tempDir(), 'config.db');
  const options = { persistPath, environment: 'production', actor: 'deploy', features: FEATURES };
  await createProductionConfig(options).close();
  return persistPath;
}

/** Makes the history of a database older. */
function age(persistPath, days) {
  const program = fileURLToPath(new URL('./children/age-history.mjs', import.meta.url));
  execFileSync(pathOfRuntimeWithSqlite(), [program, persistPath, `${days}`]);
}
