// @ts-check
// The address of the repository, which the release writes into what it publishes.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressesProblem, fillAddresses, repositoryOf, versionOf } from '../../scripts/lib/addresses.mjs';
import { inRoot, root } from '../../scripts/lib/paths.mjs';

const version = versionOf(root);
const env = { GITHUB_SERVER_URL: 'https://code.example', GITHUB_REPOSITORY: 'somewhere/else' };
const repository = repositoryOf(env, version);

/** @param {import('node:test').TestContext} t */
function copyOfSources(t) {
  const directory = mkdtempSync(join(tmpdir(), '13byte-config-addresses-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const left = new Set(['.git', 'node_modules', 'target', 'native', 'fuzz', 'cases-tmp'].map((name) => inRoot(name)));
  cpSync(root, directory, { recursive: true, filter: (file) => !left.has(file) && !file.endsWith('node_modules') });
  return directory;
}

test('without the address, nothing is fit to publish', () => {
  const problem = addressesProblem(root, repository) ?? '';
  for (const name of [
    'package.json',
    ...readdirSync(inRoot('npm')).map((platform) => `npm/${platform}/package.json`),
  ]) {
    for (const field of ['repository', 'homepage', 'bugs']) {
      assert.ok(problem.includes(`${name}: ${field} is undefined`), `${name}: ${field}\n${problem}`);
    }
  }
  assert.match(problem, /^README\.md: the link to docs\/api\.md leads nowhere in the package$/m);
});

test('the release fills it in, and the check agrees', (t) => {
  const sources = copyOfSources(t);
  fillAddresses(sources, repository);
  assert.equal(addressesProblem(sources, repository), undefined);
  fillAddresses(sources, repository);
  assert.equal(addressesProblem(sources, repository), undefined, 'a second time too');

  const manifest = JSON.parse(readFileSync(join(sources, 'npm/linux-x64-gnu/package.json'), 'utf8'));
  assert.deepEqual(manifest.repository, {
    type: 'git',
    url: 'git+https://code.example/somewhere/else.git',
    directory: 'npm/linux-x64-gnu',
  });
  assert.equal(manifest.homepage, 'https://code.example/somewhere/else#readme');
  assert.deepEqual(manifest.bugs, { url: 'https://code.example/somewhere/else/issues' });
  const readme = readFileSync(join(sources, 'README.md'), 'utf8');
  assert.ok(readme.includes(`](https://code.example/somewhere/else/blob/v${version}/docs/api.md)`));
  const errors = readFileSync(join(sources, 'docs/errors.md'), 'utf8');
  assert.ok(errors.includes('](bundling.md)'), 'published pages link to each other as they did');

  const other = { ...repository, address: 'https://code.example/another/one' };
  assert.match(
    addressesProblem(sources, other) ?? '',
    /repository is .*somewhere\/else\.git.*, not .*another\/one\.git/,
  );
});

test('a link to a file that does not exist is an error', (t) => {
  const sources = copyOfSources(t);
  writeFileSync(join(sources, 'CHANGELOG.md'), 'See [this](docs/nowhere.md).\n');
  assert.throws(
    () => fillAddresses(sources, repository),
    /CHANGELOG\.md has a link to docs\/nowhere\.md, which does not exist/,
  );
});

test('the address comes from the workflow alone', () => {
  for (const wrong of [{}, { ...env, GITHUB_REPOSITORY: '' }, { GITHUB_REPOSITORY: 'a/b' }]) {
    assert.throws(() => repositoryOf(wrong, version), /GITHUB_SERVER_URL and GITHUB_REPOSITORY have to say/);
  }
  assert.throws(
    () => repositoryOf({ ...env, GITHUB_REPOSITORY: 'no repository' }, version),
    /is not the address of a repository/,
  );
});
