// @ts-check
// The packages as npm would publish them, for installing them where a user would.
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { addonFile } from '../../../scripts/lib/addon.mjs';
import { npm } from '../../../scripts/lib/npm.mjs';
import { inRoot, root } from '../../../scripts/lib/paths.mjs';
import { run, runOrThrow } from '../../../scripts/lib/process.mjs';
import { anyBun } from '../../../scripts/lib/runtimes.mjs';

/**
 * @typedef {object} Packed
 * @property {string} name
 * @property {string} file the tarball
 * @property {string[]} contents sorted
 * @property {number} size of the tarball
 * @property {number} unpackedSize
 */

/** Outside the repository, so that nothing in it can be found by accident. */
const workspace = mkdtempSync(join(tmpdir(), '13byte-config-package-'));
process.once('exit', () => rmSync(workspace, { recursive: true, force: true }));

/** Without a registry and without a cache: the packages have to be enough. */
const offline = {
  npm_config_cache: join(workspace, 'npm-cache'),
  npm_config_offline: 'true',
  npm_config_registry: 'http://127.0.0.1:9/',
  BUN_CONFIG_REGISTRY: 'http://127.0.0.1:9/',
  BUN_INSTALL_CACHE_DIR: join(workspace, 'bun-cache'),
};

/** Variables that would make a program of ours behave unlike one of a user. */
export const userEnvironment = {
  NODE_ENV: undefined,
  NODE_OPTIONS: undefined,
  NODE_TEST_CONTEXT: undefined,
  NO_COLOR: '1',
  FORCE_COLOR: undefined,
};

/** @returns {Promise<Packed>} */
export function packRoot() {
  return pack(root);
}

/**
 * The package with the addon for this platform.
 *
 * @returns {Promise<Packed>}
 */
export function packBinding() {
  const platform = thisPlatform();
  const staging = makeDirectory(`binding-${platform}`);
  cpSync(inRoot('npm', platform), staging, { recursive: true });
  const addon = `binding.${platform}.node`;
  copyFileSync(inRoot('native', addon), join(staging, addon));
  return pack(staging);
}

/** The name of the one directory in npm/ that is for this machine and has been built. */
export function thisPlatform() {
  return basename(addonFile()).slice('binding.'.length, -'.node'.length);
}

/**
 * @param {string} directory
 * @returns {Promise<Packed>}
 */
async function pack(directory) {
  const { stdout } = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', workspace], directory);
  const [{ name, filename, files, size, unpackedSize }] = JSON.parse(stdout);
  const contents = files.map((/** @type {{ path: string }} */ { path }) => path).toSorted();
  return { name, file: join(workspace, filename), contents, size, unpackedSize };
}

/**
 * An empty project.
 *
 * @param {string} name
 */
export function makeProject(name) {
  const directory = makeDirectory(name);
  writeFileSync(join(directory, 'package.json'), '{ "private": true }\n');
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
 * @param {readonly Packed[]} packages
 */
export async function npmInstall(project, packages) {
  const files = packages.map(({ file }) => file);
  await withEnvironment(offline, () => npm(['install', '--no-audit', '--no-fund', ...files], project));
}

/**
 * @param {string} project
 * @param {readonly Packed[]} packages
 */
export async function bunAdd(project, packages) {
  const { path } = await anyBun();
  const files = packages.map(({ file }) => file);
  await runOrThrow(path, ['add', ...files], { cwd: project, env: offline });
}

/**
 * @template T
 * @param {Record<string, string>} variables
 * @param {() => Promise<T>} work
 */
async function withEnvironment(variables, work) {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}

/**
 * Runs a program of a project as its user would.
 *
 * @param {import('../../../scripts/lib/runtimes.mjs').Runtime} runtime
 * @param {string} file
 * @param {string} cwd
 */
export async function runProgram(runtime, file, cwd) {
  const { code, output } = await run(runtime.path, [file], { cwd, env: userEnvironment, timeoutMs: 60_000 });
  return { code, output };
}

/**
 * Runs the command that a project has of a package, as `npx` and `bunx --bun` do: the file that the installer put into
 * `.bin` finds its runtime by its first line, and Bun takes itself for it.
 *
 * @param {import('../../../scripts/lib/runtimes.mjs').Runtime} runtime
 * @param {string} project
 * @param {readonly string[]} args the command first
 */
export async function runCommand(runtime, project, [command = '', ...args]) {
  const [program, ...before] =
    runtime.name === 'bun' ? [runtime.path, 'x', '--bun', command] : [join('node_modules', '.bin', command)];
  const { code, output } = await run(program, [...before, ...args], {
    cwd: project,
    env: environmentOf(runtime),
    timeoutMs: 60_000,
  });
  return { code, output };
}

/**
 * The environment of a user who has no settings, and whose `node` or `bun` is this one.
 *
 * @param {import('../../../scripts/lib/runtimes.mjs').Runtime} runtime
 * @returns {NodeJS.ProcessEnv}
 */
export function environmentOf(runtime) {
  // npm hands its own settings to what it runs, such as the gate.
  const inherited = Object.keys(process.env).filter((name) => /^(CONFIG13BYTE_|npm_)/i.test(name));
  const cleared = Object.fromEntries(inherited.map((name) => [name, undefined]));
  return {
    ...cleared,
    ...userEnvironment,
    ...offline,
    PATH: `${dirname(runtime.path)}${delimiter}${process.env.PATH}`,
  };
}
