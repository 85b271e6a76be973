// @ts-check
// The packages as npm would publish them, installed from a registry on loopback into projects outside the repository.
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { addonFile } from '../../../scripts/lib/addon.mjs';
import { npm, npmCommand } from '../../../scripts/lib/npm.mjs';
import { inRoot } from '../../../scripts/lib/paths.mjs';
import { run, runOrThrow } from '../../../scripts/lib/process.mjs';
import { startRegistry } from './registry.mjs';

/**
 * @typedef {object} Packed
 * @property {string} name
 * @property {string} file the tarball
 * @property {Record<string, any>} manifest its package.json
 * @property {string[]} contents sorted
 * @property {string} integrity of the tarball
 * @property {string} shasum of the tarball
 * @property {number} size of the tarball
 * @property {number} unpackedSize
 */

/** Outside the repository, so that nothing in it can be found by accident. */
const workspace = mkdtempSync(join(tmpdir(), '13byte-config-package-'));
process.once('exit', () => rmSync(workspace, { recursive: true, force: true }));

/** Where installers keep their caches and find no settings. */
const home = makeDirectory('home');

/** Variables that would make a program of ours behave unlike one of a user. */
export const userEnvironment = {
  NODE_ENV: undefined,
  NODE_OPTIONS: undefined,
  NODE_TEST_CONTEXT: undefined,
  NO_COLOR: '1',
  FORCE_COLOR: undefined,
};

/** The name of the one directory in npm/ that is for this machine and has been built. */
export function thisPlatform() {
  return basename(addonFile()).slice('binding.'.length, -'.node'.length);
}

/**
 * All packages in a registry: what a release publishes, but that the addons of other platforms are empty files.
 *
 * @returns {Promise<{ registry: import('./registry.mjs').Registry, root: Packed, binding: Packed }>}
 */
export async function publish() {
  const platforms = readdirSync(inRoot('npm')).toSorted();
  const packed = await pack([stageRoot(platforms), ...platforms.map(stageBinding)]);
  const [root] = packed;
  const binding = packed.find(({ name }) => name.endsWith(`-${thisPlatform()}`));
  if (!root || !binding) throw new Error('nothing was packed');
  return { registry: await startRegistry(packed), root, binding };
}

/**
 * The package as the release writes it: it depends on all the others.
 *
 * @param {readonly string[]} platforms
 */
function stageRoot(platforms) {
  const staging = makeDirectory('root');
  const manifest = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  for (const file of [...manifest.files, 'LICENSE', 'README.md']) {
    mkdirSync(dirname(join(staging, file)), { recursive: true });
    copyFileSync(inRoot(file), join(staging, file));
  }
  const optionalDependencies = Object.fromEntries(
    platforms.map((platform) => [`${manifest.napi.packageName}-${platform}`, manifest.version]),
  );
  writeFileSync(join(staging, 'package.json'), JSON.stringify({ ...manifest, optionalDependencies }, undefined, 2));
  return staging;
}

/** @param {string} platform */
function stageBinding(platform) {
  const staging = makeDirectory(`binding-${platform}`);
  cpSync(inRoot('npm', platform), staging, { recursive: true });
  const addon = `binding.${platform}.node`;
  if (platform === thisPlatform()) copyFileSync(inRoot('native', addon), join(staging, addon));
  else writeFileSync(join(staging, addon), '');
  return staging;
}

/**
 * @param {readonly string[]} directories
 * @returns {Promise<Packed[]>}
 */
async function pack(directories) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', workspace, ...directories];
  const { stdout } = await npm(args, workspace);
  /** @type {any[]} */
  const all = JSON.parse(stdout);
  return directories.map((directory) => {
    const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const { filename, files, ...rest } = all.find(({ name }) => name === manifest.name);
    const contents = files.map((/** @type {{ path: string }} */ { path }) => path).toSorted();
    return { ...rest, manifest, contents, file: join(workspace, filename) };
  });
}

/**
 * An empty project, whose packages come from a registry.
 *
 * @param {string} name
 * @param {import('./registry.mjs').Registry} registry
 */
export function makeProject(name, { url }) {
  const directory = makeDirectory(name);
  writeFileSync(join(directory, 'package.json'), '{ "private": true }\n');
  // Yarn has a file of its own from its second version on; all others read npm's.
  writeFileSync(join(directory, '.npmrc'), `registry=${url}\n`);
  return directory;
}

/** @param {string} name */
function makeDirectory(name) {
  const directory = join(workspace, name);
  mkdirSync(directory);
  return directory;
}

/**
 * @param {string} project
 * @param {...string} options
 */
export function npmInstall(project, ...options) {
  const [program, args] = npmCommand(['install', '--no-audit', '--no-fund', ...options, '13byte-config']);
  return install(project, program, ...args);
}

/**
 * Runs an installer as a user without settings does.
 *
 * @param {string} project
 * @param {string} program
 * @param {...string} args
 */
export function install(project, program, ...args) {
  return runOrThrow(program, args, { cwd: project, env: cleanEnvironment(), timeoutMs: 120_000 });
}

/**
 * Runs a program of a project as its user would.
 *
 * @param {string} cwd
 * @param {NodeJS.ProcessEnv} env
 * @param {readonly string[]} command
 */
export async function runProgram(cwd, env, [program = '', ...args]) {
  const { code, output } = await run(program, args, { cwd, env, timeoutMs: 60_000 });
  return { code, output };
}

/**
 * The environment of a user who has no settings, and whose `node` or `bun` is this one.
 *
 * @param {import('../../../scripts/lib/runtimes.mjs').Runtime} runtime
 * @returns {NodeJS.ProcessEnv}
 */
export function environmentOf(runtime) {
  return { ...cleanEnvironment(), PATH: `${dirname(runtime.path)}${delimiter}${process.env.PATH}` };
}

/** @returns {NodeJS.ProcessEnv} */
function cleanEnvironment() {
  // npm hands its own settings to what it runs, such as the gate.
  const inherited = Object.keys(process.env).filter((name) => /^(CONFIG13BYTE_|XDG_|npm_)/i.test(name));
  const cleared = Object.fromEntries(inherited.map((name) => [name, undefined]));
  return { ...cleared, ...userEnvironment, HOME: home, USERPROFILE: home };
}
