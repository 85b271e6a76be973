// @ts-check
// Checks that what is written twice says the same. Each returns what is wrong, or nothing.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { inRoot, root } from './paths.mjs';
import { npm } from './npm.mjs';

/** @param {string[]} segments */
const readJson = (...segments) => JSON.parse(readFileSync(inRoot(...segments), 'utf8'));

/** The doors name their exports, since `export *` would add what Node makes up for CommonJS. */
export async function esmExportsProblem() {
  const problems = [];
  for (const door of ['index', 'testing']) {
    const implementation = Object.keys(createRequire(import.meta.url)(inRoot('dist', `${door}.cjs`)));
    const wrapper = Object.keys(await import(pathToFileURL(inRoot('types', `${door}.mjs`)).href));
    const missing = implementation.filter((name) => !wrapper.includes(name));
    if (missing.length > 0) problems.push(`types/${door}.mjs does not export ${missing.join(', ')}`);
  }
  return problems.length > 0 ? problems.join('\n') : undefined;
}

/** npm/ holds one package for each target, all of the root's version, and the library looks for each. */
export async function platformPackagesProblem() {
  const { napi, version, license, engines } = readJson('package.json');
  const directories = readdirSync(inRoot('npm'));
  const problems = directories.flatMap((directory) => {
    const manifest = readJson('npm', directory, 'package.json');
    /** @type {[string, unknown, unknown][]} */
    const comparisons = [
      ['name', manifest.name, `${napi.packageName}-${directory}`],
      ['version', manifest.version, version],
      ['license', manifest.license, license],
      ['engines', JSON.stringify(manifest.engines), JSON.stringify(engines)],
    ];
    return comparisons
      .filter(([, actual, wanted]) => actual !== wanted)
      .map(([field, actual, wanted]) => `npm/${directory}: ${field} is ${actual}, not ${wanted}`);
  });
  const loader = readFileSync(inRoot('lib', 'native', 'addon.ts'), 'utf8');
  for (const directory of directories) {
    for (const place of [`../native/${napi.binaryName}.${directory}.node`, `${napi.packageName}-${directory}`]) {
      if (!loader.includes(`require('${place}')`)) problems.push(`lib/native/addon.ts does not look for ${place}`);
    }
  }
  if (directories.length !== napi.targets.length) {
    problems.push(
      `npm holds ${directories.length} packages for ${napi.targets.length} targets: run \`npx napi create-npm-dirs\``,
    );
  }
  return problems.length > 0 ? problems.join('\n') : undefined;
}

/** What npm would publish is exactly the files we mean to, and depends on nothing but our own addons. */
export async function packedFilesProblem() {
  const manifest = readJson('package.json');
  const wanted = [...manifest.files, 'LICENSE', 'README.md', 'package.json'].toSorted();
  const { stdout } = await npm(['pack', '--dry-run', '--json', '--ignore-scripts'], root);
  /** @type {string[]} */
  const packed = JSON.parse(stdout)[0]
    .files.map((/** @type {{ path: string }} */ { path }) => path)
    .toSorted();
  const problems = [
    ...[...documentsNamed(manifest.files)]
      .filter((file) => !manifest.files.includes(file))
      .map((file) => `${file} is named by what is published, and would be missing from the package`),
    ...wanted.filter((file) => !packed.includes(file)).map((file) => `${file} would be missing from the package`),
    ...packed.filter((file) => !wanted.includes(file)).map((file) => `${file} would be in the package`),
    ...Object.keys(manifest.dependencies ?? {}).map((name) => `the package would depend on ${name}`),
    ...Object.keys(manifest.optionalDependencies ?? {})
      .filter((name) => !name.startsWith(`${manifest.napi.packageName}-`))
      .map((name) => `the package would depend on ${name}`),
  ];
  return problems.length > 0 ? problems.join('\n') : undefined;
}

/**
 * The pages that types and programs send their users to.
 *
 * @param {readonly string[]} published
 */
function documentsNamed(published) {
  const sources = published.filter((file) => /\.(?:[cm]?js|d\.[cm]?ts)$/.test(file));
  return new Set(sources.flatMap((file) => readFileSync(inRoot(file), 'utf8').match(/\bdocs\/[\w-]+\.md\b/g) ?? []));
}

/** Every code in docs/errors.md is one that the sources give, and the other way round, and at least one test names it. */
export async function errorCodesProblem() {
  const documented = codesIn(readFileSync(inRoot('docs', 'errors.md'), 'utf8').matchAll(/^\| `(ERR_\w+)`/gm));
  const rust = readFileSync(inRoot('src', 'error.rs'), 'utf8');
  const typescript = readFileSync(inRoot('lib', 'core', 'errors.ts'), 'utf8');
  const given = new Set([...codesIn(rust.matchAll(/"(ERR_\w+)"/g)), ...codesIn(typescript.matchAll(/'(ERR_\w+)'/g))]);
  // Beside src/error.rs only tests name the codes in Rust.
  const tests = [...filesIn('__test__', /\.(spec|test)\.mjs$/), ...filesIn('src', /(?<!\/error)\.rs$/)]
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const tested = codesIn(tests.matchAll(/\b(ERR_[A-Z_]+)\b/g));
  const problems = [
    ...[...given].filter((code) => !documented.has(code)).map((code) => `docs/errors.md has no row for ${code}`),
    ...[...documented]
      .filter((code) => !given.has(code))
      .map((code) => `docs/errors.md has ${code}, which nothing gives`),
    ...[...documented].filter((code) => !tested.has(code)).map((code) => `no test names ${code}`),
  ];
  return problems.length > 0 ? problems.join('\n') : undefined;
}

/** Workflows use actions by their full hash, and lock files tell what to install, but not from where. */
export async function supplyChainProblem() {
  const actions = filesIn('.github', /\.ya?ml$/).flatMap((file) =>
    Array.from(readFileSync(file, 'utf8').matchAll(/\buses: *(\S+)/g), ([, action]) => ({
      file,
      action: String(action),
    })),
  );
  const addressed = ['.', 'bench', '__test__/bundlers', '__test__/migration', '__test__/runtimes'].flatMap(
    (directory) =>
      Object.entries(readJson(directory, 'package-lock.json').packages)
        .filter(([, { resolved, link }]) => resolved !== undefined && !link)
        .map(([name]) => `${directory}/package-lock.json has an address for ${name}`),
  );
  const problems = [
    ...actions
      .filter(({ action }) => !/@[0-9a-f]{40}$/.test(action))
      .map(({ file, action }) => `${file} uses ${action}, which is not pinned by its full hash`),
    ...addressed,
  ];
  return problems.length > 0 ? problems.join('\n') : undefined;
}

/** @param {Iterable<RegExpMatchArray>} matches */
function codesIn(matches) {
  return new Set(Array.from(matches, ([, code]) => /** @type {string} */ (code)));
}

/**
 * @param {string} directory
 * @param {RegExp} pattern
 */
function filesIn(directory, pattern) {
  return readdirSync(inRoot(directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.includes('node_modules') && pattern.test(`/${name.replaceAll('\\', '/')}`))
    .map((name) => inRoot(directory, name));
}
