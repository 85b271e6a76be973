// @ts-check
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { inRoot, root, tool } from './paths.mjs';
import { runOrThrow } from './process.mjs';

const HEAD = '// Generated from lib by `npm run build`. Edit the sources, not this file.';

/**
 * @typedef {object} GeneratedFile
 * @property {string} path of the committed file
 * @property {string} source what it is made from
 * @property {() => Promise<string>} generate
 */

/** @type {GeneratedFile} */
export const layoutConstants = {
  path: inRoot('lib', 'core', 'layout.ts'),
  source: 'the layout in src/page',
  generate: printLayout,
};

/** @type {GeneratedFile} */
export const publicTypes = {
  path: inRoot('index.d.ts'),
  source: 'lib',
  generate: bundleTypes,
};

/** @type {GeneratedFile} */
export const openFeatureTypes = {
  path: inRoot('types', 'openfeature.d.ts'),
  source: 'lib/openfeature/index.ts',
  generate: () => emitTypes('openfeature'),
};

/** @type {GeneratedFile} */
export const openTelemetryTypes = {
  path: inRoot('types', 'opentelemetry.d.ts'),
  source: 'lib/opentelemetry/index.ts',
  generate: () => emitTypes('opentelemetry'),
};

/** @type {GeneratedFile} */
export const testingTypes = {
  path: inRoot('types', 'testing.d.ts'),
  source: 'lib/testing/index.ts',
  generate: () => emitTypes('testing'),
};

/** All of them, in the order in which they are made. */
export const generatedTypes = [publicTypes, openFeatureTypes, openTelemetryTypes, testingTypes];

/**
 * Writes a generated file if it differs, so that an unchanged one keeps its time.
 *
 * @param {GeneratedFile} file
 */
export async function writeGenerated({ path, generate }) {
  const text = await generate();
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/**
 * Compares a committed generated file with what its source gives now.
 *
 * @param {GeneratedFile} file
 * @returns {Promise<string | undefined>} what is wrong
 */
export async function staleness({ path, source, generate }) {
  const name = relative(root, path);
  const wanted = await generate();
  if (!existsSync(path)) return `${name} is missing: run \`npm run build\` and commit it`;
  const difference = firstDifference(readFileSync(path, 'utf8'), wanted);
  return difference && `${name} does not match ${source}: run \`npm run build\` and commit it\n${difference}`;
}

/**
 * @param {string} committed
 * @param {string} wanted
 */
function firstDifference(committed, wanted) {
  if (committed === wanted) return undefined;
  const [old, fresh] = [committed.split('\n'), wanted.split('\n')];
  const line = fresh.findIndex((text, index) => text !== old[index]);
  const at = line === -1 ? fresh.length : line;
  return `first difference, line ${at + 1}:\n  - ${old[at] ?? '(end of file)'}\n  + ${fresh[at] ?? '(end of file)'}`;
}

/** Rust prints the constants; cargo's own messages go to stderr. */
async function printLayout() {
  const { stdout } = await runOrThrow('cargo', ['run', '--quiet', '--no-default-features', '--example', 'layout']);
  return stdout;
}

/** The whole public API as one documented declaration file. */
async function bundleTypes() {
  const output = inRoot('dist', '.index.d.ts');
  mkdirSync(dirname(output), { recursive: true });
  await runOrThrow(process.execPath, [
    tool('dts-bundle-generator/dist/bin/dts-bundle-generator.js'),
    '--project',
    inRoot('tsconfig.json'),
    '--export-referenced-types',
    'false',
    '--no-banner',
    '--silent',
    '--out-file',
    output,
    inRoot('lib', 'index.ts'),
  ]);
  const text = readFileSync(output, 'utf8');
  rmSync(output);
  const head = [
    HEAD,
    '',
    // The configs are disposable, which projects with an older "lib" do not know.
    '/// <reference lib="esnext.disposable" />',
    '',
  ];
  return `${head.join('\n')}\n${text}`;
}

/**
 * Not bundled, since such a module takes its types from the package, and from the SDK it is for.
 *
 * @param {string} name of the module in lib
 */
async function emitTypes(name) {
  const directory = inRoot('dist', `.${name}`);
  await runOrThrow(process.execPath, [
    tool('typescript/bin/tsc'),
    '--ignoreConfig',
    '--declaration',
    '--emitDeclarationOnly',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--lib',
    'es2023,es2024.sharedmemory,es2024.string,esnext.disposable',
    '--types',
    'node',
    '--skipLibCheck',
    '--rootDir',
    root,
    '--outDir',
    directory,
    inRoot('lib', name, 'index.ts'),
  ]);
  const text = readFileSync(join(directory, 'lib', name, 'index.d.ts'), 'utf8');
  rmSync(directory, { recursive: true });
  return `${HEAD}\n\n${text}`;
}
