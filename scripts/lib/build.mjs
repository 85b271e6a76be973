// @ts-check
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { inRoot, root, tool } from './paths.mjs';
import { runOrThrow } from './process.mjs';
import { step } from './progress.mjs';

const nativeDirectory = inRoot('native');
const bundleFile = inRoot('dist', 'index.cjs');
const onDemandFile = inRoot('dist', 'on-demand.cjs');
const addonProblemFile = inRoot('dist', 'addon-problem.cjs');
const testingFile = inRoot('dist', 'testing.cjs');
const commandLineFile = inRoot('dist', 'cli.cjs');
const noticesFile = inRoot('dist', 'THIRD-PARTY-NOTICES.md');
/** Adapters for libraries that users install themselves. */
const adapters = ['openfeature', 'opentelemetry'].map((name) => ({
  source: inRoot('lib', name, 'index.ts'),
  files: { cjs: inRoot('dist', `${name}.cjs`), esm: inRoot('dist', `${name}.mjs`) },
}));
/** Tells of which sources the last build was. */
export const stampFile = join(nativeDirectory, '.build-sha256');

/** What the build reads. A directory stands for every file in it. */
const inputs = [
  'Cargo.toml',
  'Cargo.lock',
  'rust-toolchain.toml',
  '.cargo',
  'build.rs',
  'src',
  'lib',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'scripts/lib/build.mjs',
];

/** Builds the addon and the bundle unless they are those of the present sources. */
export async function ensureBuilt() {
  if (isFresh()) return;
  await buildAll();
}

/** Builds the addon and the bundle. */
export async function buildAll() {
  const before = hashInputs();
  await step('Building the native addon (the first time takes a minute or two)', buildNative);
  await step('Bundling the JavaScript', bundle);
  // Of the sources before, so that an edit made meanwhile is built next time.
  writeFileSync(stampFile, before);
}

function isFresh() {
  const bundles = [
    bundleFile,
    onDemandFile,
    addonProblemFile,
    testingFile,
    commandLineFile,
    noticesFile,
    ...adapters.flatMap(({ files }) => Object.values(files)),
  ];
  return (
    [...bundles, join(nativeDirectory, 'binding.d.ts'), stampFile].every((file) => existsSync(file)) &&
    readFileSync(stampFile, 'utf8') === hashInputs()
  );
}

function hashInputs() {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}\n`);
  for (const file of inputs.flatMap((input) => filesUnder(inRoot(input)))) {
    const content = readFileSync(file);
    hash.update(`${relative(root, file)}\n${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

/**
 * @param {string} path
 * @returns {string[]}
 */
function filesUnder(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .toSorted()
    .flatMap((name) => filesUnder(join(path, name)));
}

/**
 * Builds into a directory aside and moves the files over the old ones: writing into an
 * addon that a running process has loaded would crash that process.
 */
async function buildNative() {
  const staging = join(nativeDirectory, '.staging');
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  await runOrThrow(process.execPath, [
    tool('@napi-rs/cli/dist/cli.js'),
    'build',
    '--platform',
    '--release',
    '--output-dir',
    relative(root, staging),
    '--no-js',
    '--dts',
    'binding.d.ts',
    '--',
    '--config',
    pathsLeftOut(),
  ]);
  for (const file of readdirSync(staging)) renameSync(join(staging, file), join(nativeDirectory, file));
  rmSync(staging, { recursive: true });
}

/**
 * Panic messages name source files. Without this setting the published addon would tell where the machine that built
 * it keeps them. Cargo adds these flags to those of .cargo/config.toml.
 */
function pathsLeftOut() {
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
  const flags = [`--remap-path-prefix=${cargoHome}=cargo`, `--remap-path-prefix=${root}=13byte-config`];
  return `target.'cfg(all())'.rustflags=${JSON.stringify(flags)}`;
}

/**
 * The package as its own parts see it: the one copy that is in use, by its place.
 *
 * @type {import('esbuild').Plugin}
 */
const besideTheBundle = {
  name: 'beside the bundle',
  setup: ({ onResolve }) => onResolve({ filter: /^13byte-config$/ }, () => ({ path: './index.cjs', external: true })),
};

/**
 * One CommonJS file is the implementation for `require` and `import` alike, so a program
 * that uses both has one copy of the module's state. It is not minified: stack traces name
 * functions as the source does, and an uncaught error shows its line.
 */
export async function bundle() {
  // Loaded here because this module is also used before anything is installed.
  const esbuild = await import('esbuild');
  /** @type {import('esbuild').BuildOptions} */
  const options = { bundle: true, platform: 'node', target: 'node20', logLevel: 'warning' };
  await bundleLibrary(esbuild, options);
  await esbuild.build({
    ...options,
    entryPoints: [inRoot('lib', 'testing', 'index.ts')],
    outfile: testingFile,
    format: 'cjs',
    plugins: [besideTheBundle],
  });
  // In both formats, so that they get the same copy of the library as the program that uses it.
  for (const { source, files } of adapters) {
    for (const [format, outfile] of Object.entries(files)) {
      await esbuild.build({
        ...options,
        entryPoints: [source],
        outfile,
        format: /** @type {'cjs' | 'esm'} */ (format),
        external: ['@openfeature/server-sdk', '@opentelemetry/api'],
      });
    }
  }
  await bundleCommandLine(esbuild, options);
}

/** The version, and a digest of the sources: the files of two builds must never work together. */
function buildName() {
  const { version } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  const hash = createHash('sha256');
  for (const file of filesUnder(inRoot('lib'))) hash.update(`${relative(root, file)}\n`).update(readFileSync(file));
  return `${version}+${hash.digest('hex').slice(0, 12)}`;
}

/**
 * What every program loads, and what it loads when it needs it. The second is a function that is handed the modules of
 * the first, by what `lib/shared-modules.ts` exports: an import of anything else is an error.
 *
 * @param {typeof import('esbuild')} esbuild
 * @param {import('esbuild').BuildOptions} options
 */
async function bundleLibrary(esbuild, options) {
  const build = JSON.stringify(buildName());
  const { metafile } = await esbuild.build({
    ...options,
    absWorkingDir: root,
    metafile: true,
    entryPoints: [inRoot('lib', 'index.ts')],
    outfile: bundleFile,
    format: 'cjs',
    define: { PACKAGE_BUILD: build },
    external: ['*.node', '@13byte-config/*', './on-demand.cjs', './addon-problem.cjs'],
  });
  await esbuild.build({
    ...options,
    entryPoints: [inRoot('lib', 'native', 'addon-problem.ts')],
    outfile: addonProblemFile,
    format: 'cjs',
  });
  const loaded = new Set(Object.keys(metafile.inputs).map((file) => inRoot(file)));
  const sharedFile = inRoot('lib', 'shared-modules.ts');
  const { metafile: sharedFacts } = await esbuild.build({
    ...options,
    entryPoints: [sharedFile],
    outfile: 'shared.mjs',
    format: 'esm',
    metafile: true,
    write: false,
    external: ['*'],
  });
  const names = Object.values(sharedFacts.outputs)[0]?.exports ?? [];
  const contents = `export const { ${names.join(', ')} } = shared;`;
  await esbuild.build({
    ...options,
    entryPoints: [inRoot('lib', 'on-demand.ts')],
    outfile: onDemandFile,
    format: 'cjs',
    // The parentheses have the function read once, as it is called at once.
    banner: {
      js: `"use strict";\nexports.BUILD = ${build};\nexports.make = (function (shared) {\nconst module = { exports: {} };`,
    },
    footer: { js: 'return module.exports;\n});' },
    plugins: [
      {
        name: 'modules of the library',
        setup: ({ onResolve, onLoad }) => {
          onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) =>
            loaded.has(`${join(resolveDir, path)}.ts`)
              ? { path: 'lib/shared-modules.ts', namespace: 'shared' }
              : undefined,
          );
          onLoad({ filter: /./, namespace: 'shared' }, () => ({ contents, resolveDir: inRoot('lib') }));
        },
      },
    ],
  });
}

/**
 * With the packages that it uses, so that ours depends on none.
 *
 * @param {typeof import('esbuild')} esbuild
 * @param {import('esbuild').BuildOptions} options
 */
async function bundleCommandLine(esbuild, options) {
  const { version } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  const { metafile } = await esbuild.build({
    ...options,
    absWorkingDir: root,
    metafile: true,
    entryPoints: [inRoot('lib', 'cli', 'main.ts')],
    outfile: commandLineFile,
    format: 'cjs',
    banner: { js: '#!/usr/bin/env node' },
    define: { PACKAGE_VERSION: JSON.stringify(version) },
    // Most of it is comments of others. Names stay.
    minifyWhitespace: true,
    plugins: [besideTheBundle],
    // jsonc-parser's CommonJS form loads its parts in a way that a bundler cannot see.
    mainFields: ['module', 'main'],
    // Of cli-table3, for colours that we put in ourselves; it is never asked for.
    external: ['@colors/colors/safe'],
  });
  chmodSync(commandLineFile, 0o755);
  writeFileSync(noticesFile, notices(Object.keys(metafile.inputs)));
}

/**
 * The licences of the packages that the command line contains, which ask to be shipped with it.
 *
 * @param {readonly string[]} files that it was made of
 */
function notices(files) {
  const packages = new Set(files.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []));
  const texts = [...packages].toSorted().map((name) => {
    const directory = inRoot('node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} has no file with its licence, which has to be shipped`);
    return `## ${name} ${version} (${license})\n\n${readFileSync(join(directory, file), 'utf8').trim()}\n`;
  });
  return `# What dist/cli.cjs contains of others\n\n${texts.join('\n')}`;
}
