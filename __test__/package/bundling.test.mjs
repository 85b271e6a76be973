// @ts-check
// The recipes of docs/bundling.md, as they stand there: each builds the program of that page, which then runs elsewhere,
// with nothing of the project left, and changes a flag in a worker, hears of it and persists it.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { ensureInstalled } from '../../scripts/lib/install.mjs';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { run } from '../../scripts/lib/process.mjs';
import { allRuntimes } from '../../scripts/lib/runtimes.mjs';
import { makeProject, npmInstall, publish, userEnvironment } from './support/packages.mjs';

const bundlers = inRoot('__test__', 'bundlers');
await ensureInstalled(bundlers, 'the bundlers');
const { runtimes } = await allRuntimes();
const bun = runtimes.find(({ name }) => name === 'bun')?.path ?? 'bun';
const node = process.execPath;
const { registry } = await publish();

const [intro = '', ...sections] = readFileSync(inRoot('docs', 'bundling.md'), 'utf8').split(/^## /m);
const recipes = new Map(sections.map((section) => [section.split('\n', 1)[0] ?? '', section]));

/** What runs the result of each recipe. One that is not here is not run, and its section says so. */
const PROGRAMS = {
  Bun: [bun, 'app.mjs'],
  'Bun, compiled': ['./app'],
  esbuild: [node, 'app.mjs'],
  webpack: [node, 'app.mjs'],
  Rollup: [node, 'app.mjs'],
  'Vite, for the server': [node, 'app.mjs'],
  ncc: [node, 'index.mjs'],
};

// The commands are those of a POSIX shell.
if (process.platform !== 'win32') {
  describe('recipes for bundlers', () => {
    test('every recipe is run, or says that it is not', () => {
      const untested = [...recipes].filter(
        ([name, text]) => text.includes('```') && !(name in PROGRAMS) && !text.includes('Not run by the tests'),
      );
      assert.deepEqual(
        untested.map(([name]) => name),
        [],
      );
    });

    for (const [name, program] of Object.entries(PROGRAMS)) {
      test(name, async () => {
        await runRecipe(name, recipes.get(name) ?? '', program);
      });
    }

    test('Bun, for Node', async () => {
      await runRecipe('Bun for Node', (recipes.get('Bun') ?? '').replace('--target=bun', '--target=node'), [
        node,
        'app.mjs',
      ]);
    });

    test('esbuild, CommonJS, without the addon: the message says what is missing', async () => {
      const project = await projectFor('no-addon', '');
      writeFileSync(
        join(project, 'app.mjs'),
        "import { createProductionConfig } from '13byte-config';\ncreateProductionConfig();\n",
      );
      rmSync(join(project, 'node_modules', '@13byte-config'), { recursive: true });
      await shell(project, 'esbuild app.mjs --bundle --platform=node --outfile=out/app.cjs --log-level=error');
      const { code, output } = await run(node, ['out/app.cjs'], { cwd: project, env: userEnvironment });
      assert.equal(code, 1);
      assert.match(output, /No native addon of 13byte-config for \w+ \w+ in this bundle: .*docs\/bundling\.md/);
      assert.match(output, /ERR_BINDING/);
    });
  });
}

/**
 * @param {string} name
 * @param {string} recipe
 * @param {readonly string[]} program
 */
async function runRecipe(name, recipe, [file = '', ...args]) {
  const project = await projectFor(name.replaceAll(/\W+/g, '-'), recipe);
  const commands = /^```sh\n(.*?)^```$/ms.exec(recipe)?.[1];
  assert.ok(commands, `docs/bundling.md has commands for ${name}`);
  await shell(project, commands);
  const elsewhere = `${project}-elsewhere`;
  renameSync(join(project, 'out'), elsewhere);
  rmSync(project, { recursive: true });
  const { code, output } = await run(file, args, { cwd: elsewhere, env: userEnvironment, timeoutMs: 60_000 });
  assert.deepEqual({ code, output: output.trim() }, { code: 0, output: 'debug bundled' });
}

/**
 * A project with the package, the bundlers, and the files that a part of the page names in their first line.
 *
 * @param {string} name
 * @param {string} recipe
 */
async function projectFor(name, recipe) {
  const project = makeProject(`bundled-${name}`, registry);
  await npmInstall(project);
  const { dependencies } = JSON.parse(readFileSync(join(bundlers, 'package.json'), 'utf8'));
  for (const dependency of Object.keys(dependencies)) {
    const link = join(project, 'node_modules', dependency);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(bundlers, 'node_modules', dependency), link);
  }
  for (const [, source = '', file = ''] of `${intro}\n${recipe}`.matchAll(/^```js\n(\/\/ (\S+\.mjs)\n.*?)^```$/gms)) {
    writeFileSync(join(project, file), source);
  }
  return project;
}

/**
 * @param {string} cwd
 * @param {string} commands
 */
async function shell(cwd, commands) {
  const PATH = [join(bundlers, 'node_modules', '.bin'), dirname(bun), dirname(node), process.env.PATH].join(delimiter);
  const { ok, output } = await run('sh', ['-e', '-c', commands], {
    cwd,
    env: { ...userEnvironment, PATH },
    timeoutMs: 180_000,
  });
  assert.ok(ok, output);
}
