// @ts-check
// Every block of docs/migrating.md: the programs before and after with the real packages, and what is converted.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ensureInstalled } from '../../scripts/lib/install.mjs';
import { inRoot, root } from '../../scripts/lib/paths.mjs';
import { run } from '../../scripts/lib/process.mjs';
import { pathOfRuntimeWithSqlite } from '../children/other-sqlite.mjs';

const packages = inRoot('__test__', 'migration');
await ensureInstalled(packages, 'what is migrated from');

const page = readFileSync(inRoot('docs', 'migrating.md'), 'utf8');
const project = mkdtempSync(join(tmpdir(), '13byte-config-migrating-'));
after(() => rmSync(project, { recursive: true }));

/** What each part of the page is about, as its files are called. */
const SOURCES = ['unleash', 'growthbook', 'config', 'table'];

/** @type {string[]} */
const files = [];
for (const [, language = '', info = '', text = ''] of page.matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)) {
  const name = info || /^\/\/ (\S+\.mjs)\n/.exec(text)?.[1];
  if (name === undefined) {
    assert.equal(language, 'sh', `a block without a name: ${text}`);
    continue;
  }
  files.push(name);
  mkdirSync(dirname(join(project, name)), { recursive: true });
  writeFileSync(join(project, name), text);
}
mkdirSync(join(project, 'node_modules', '@growthbook'), { recursive: true });
for (const name of ['@growthbook/growthbook', 'config', 'unleash-client']) {
  symlinkSync(join(packages, 'node_modules', name), join(project, 'node_modules', name), 'junction');
}
symlinkSync(root, join(project, 'node_modules', '13byte-config'), 'junction');

describe('the page about migrating', () => {
  test('has the programs before and after, and what converts, for every source', () => {
    for (const source of SOURCES) {
      for (const name of ['before', 'after', 'convert']) {
        assert.ok(files.includes(`${source}/${name}.mjs`), `${source}/${name}.mjs`);
      }
    }
    assert.deepEqual(
      files.filter((name) => !SOURCES.includes(name.split('/')[0] ?? '')),
      [],
    );
  });

  test('Unleash: the same answers, with the same keys', async (t) => {
    const url = await serveUnleash(t);
    const [before, converted, output] = await migrate('unleash', { UNLEASH_URL: url, UNLEASH_TOKEN: 'token' });
    assert.equal(output, before);
    const [search, keys = ''] = output.trim().split(' ');
    assert.equal(search, 'true');
    assert.ok(Math.abs(keys.split(',').length - 250) < 50, keys);
    assert.match(converted, /^by-country is left out/m);
    const described = await command('unleash', ['describe', 'checkout', '--db', './config.db', '--env', 'production']);
    assert.match(described, /^description\tThe new checkout$/m);
  });

  test('GrowthBook: the same answers, with as many keys', async () => {
    const [before, converted, output] = await migrate('growthbook');
    const [search, count] = output.trim().split(' ');
    assert.equal(search, before.trim().split(' ')[0]);
    for (const number of [count, before.trim().split(' ')[1]]) assert.ok(Math.abs(Number(number) - 250) < 50, number);
    assert.match(converted, /^theme is left out/m);
  });

  test('the package config: the same answers', async () => {
    const [before, , output] = await migrate('config', { NODE_ENV: 'production' });
    assert.deepEqual([before, output], ['true true\n', 'true true\n']);
  });

  test('a table: the same answers', async () => {
    const sql = JSON.stringify(readFileSync(join(project, 'table', 'table.sql'), 'utf8'));
    const create = `new (require('node:sqlite').DatabaseSync)('app.db').exec(${sql})`;
    await program('table', ['--input-type=commonjs', '--eval', create]);
    const [before, , output] = await migrate('table');
    assert.deepEqual([before, output], ['true false\n', 'true false\n']);
    const described = await command('table', ['describe', 'checkout', '--db', './config.db', '--env', 'production']);
    assert.match(described, /^rollout\t25%\n.*^owner\tpayments$/ms);
  });
});

/**
 * Runs the programs of a part. Returns what is printed before, what the conversion says of what it leaves out, and what is
 * printed afterwards.
 *
 * @param {string} source
 * @param {Record<string, string>} [env]
 */
async function migrate(source, env = {}) {
  const before = await program(source, ['before.mjs'], env);
  // On stderr is what is left out.
  const { output: notes } = await run(
    'sh',
    ['-c', '"$0" --no-warnings convert.mjs > flags.json', pathOfRuntimeWithSqlite()],
    {
      cwd: join(project, source),
      env,
    },
  );
  const [, importing = ''] = /^npx 13byte-config (import .*)$/m.exec(page) ?? [];
  const args = Array.from(importing.matchAll(/"([^"]*)"|\S+/g), ([word, quoted]) => quoted ?? word);
  await command(source, args);
  return /** @type {const} */ ([before, notes, await program(source, ['after.mjs'], env)]);
}

/**
 * @param {string} source
 * @param {readonly string[]} args
 */
function command(source, args) {
  return program(source, [inRoot('dist', 'cli.cjs'), ...args]);
}

/**
 * @param {string} source
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env]
 */
async function program(source, args, env = {}) {
  const { code, output } = await run(pathOfRuntimeWithSqlite(), ['--no-warnings', ...args], {
    cwd: join(project, source),
    env: { NO_COLOR: '1', ...env },
    timeoutMs: 60_000,
  });
  assert.equal(code, 0, output);
  return output;
}

/**
 * What a client asks of the server whose export the page shows.
 *
 * @param {import('node:test').TestContext} t
 */
async function serveUnleash(t) {
  const exported = JSON.parse(readFileSync(join(project, 'unleash', 'export.json'), 'utf8'));
  /** @type {{ featureName: string, enabled: boolean }[]} */
  const environments = exported.featureEnvironments;
  const features = environments.map(({ featureName: name, enabled }) => ({
    name,
    enabled,
    strategies: exported.featureStrategies.filter(
      (/** @type {{ featureName: string }} */ own) => own.featureName === name,
    ),
  }));
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.statusCode = request.url === '/client/features' ? 200 : 202;
    response.end(request.url === '/client/features' ? JSON.stringify({ version: 2, features }) : '{}');
  });
  await new Promise((resolve) => void server.listen(0, '127.0.0.1', () => resolve(undefined)));
  t.after(() => server.close());
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return `http://127.0.0.1:${address.port}`;
}
