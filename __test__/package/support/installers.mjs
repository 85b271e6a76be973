// @ts-check
// The package managers that a user may have, each used as its own documentation says, and what then runs the programs of
// a project.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled } from '../../../scripts/lib/install.mjs';
import { inRoot } from '../../../scripts/lib/paths.mjs';
import { allRuntimes, anyBun, thisNode } from '../../../scripts/lib/runtimes.mjs';
import { environmentOf, install, npmInstall } from './packages.mjs';

/**
 * @typedef {import('../../../scripts/lib/runtimes.mjs').Runtime} Runtime
 *
 * @typedef {object} Host what runs the programs of a project
 * @property {string} id
 * @property {string} finding what `13byte-config doctor` says of it
 * @property {readonly string[]} program before the path of a program
 * @property {(project: string, command: string) => readonly string[]} command before the arguments of a package's command
 * @property {NodeJS.ProcessEnv} env
 *
 * @typedef {object} Installer
 * @property {string} name what the user types
 * @property {(project: string, registry: string) => Promise<unknown>} install
 * @property {(project: string) => string[]} addons the packages with addons that it has installed, without their scope
 * @property {true} [ignoresLibc] whether it installs the addons of both C libraries on Linux
 * @property {readonly Host[]} hosts
 */

const directory = inRoot('__test__', 'installers');
await ensureInstalled(directory, 'pnpm, Yarn and Deno');
const { runtimes } = await allRuntimes();
const installed = (/** @type {string[]} */ ...parts) => join(directory, 'node_modules', ...parts);
const node = thisNode();
const bun = await anyBun();
const pnpm = installed('pnpm-linux-x64', 'pnpm');
const yarn1 = installed('yarn-1', 'bin', 'yarn.js');
const yarn4 = installed('yarn-4', 'bin', 'yarn.js');
const deno = installed('deno', 'bin.cjs');
const denoVersion = JSON.parse(readFileSync(installed('deno', 'package.json'), 'utf8')).version;

/**
 * As `npx` and `bunx --bun` run commands: the file that the installer put into `.bin` finds its runtime by its first line,
 * and Bun takes itself for it.
 *
 * @param {Runtime} runtime
 * @returns {Host}
 */
export function hostOf(runtime) {
  return {
    id: runtime.id,
    finding: `${runtime.name === 'bun' ? 'Bun' : 'Node'} ${runtime.version} is supported`,
    program: [runtime.path],
    command: (project, command) =>
      runtime.name === 'bun' ? [runtime.path, 'x', '--bun', command] : [join(project, 'node_modules', '.bin', command)],
    env: environmentOf(runtime),
  };
}

/** The runtimes that are enough where the package has been laid out as npm or Bun do. */
const oneOfEach = [hostOf(node), hostOf(bun)];

/** @type {Host} */
const yarnNode = {
  ...hostOf(node),
  id: 'yarn-node',
  program: [node.path, yarn4, 'node'],
  command: (_project, command) => [node.path, yarn4, 'run', command],
};

/** @type {Host} */
const denoHost = {
  id: 'deno',
  finding: `Deno ${denoVersion} is tested only as far as installing, the quick start and this command go`,
  program: [node.path, deno, 'run', '--allow-all'],
  command: (_project, command) => [node.path, deno, 'run', '--allow-all', `npm:${command}`],
  env: environmentOf(node),
};

/** @param {string} project */
const inNodeModules = (project) => readdirSync(join(project, 'node_modules', '@13byte-config'));

/**
 * @param {string} project
 * @param {string} registry
 * @param {string} nodeLinker
 */
function addWithYarn4(project, registry, nodeLinker) {
  const settings = {
    npmRegistryServer: registry,
    unsafeHttpWhitelist: ['127.0.0.1'],
    enableTelemetry: false,
    // Where `CI` is set, a lock file has to exist and to be right.
    enableImmutableInstalls: false,
    nodeLinker,
    // It is off unless the project's own modules are ES modules.
    pnpEnableEsmLoader: true,
  };
  // Its settings are YAML, of which JSON is a part.
  writeFileSync(join(project, '.yarnrc.yml'), JSON.stringify(settings));
  // Without a lock file of its own a project belongs to the nearest one above it.
  writeFileSync(join(project, 'yarn.lock'), '');
  return install(project, node.path, yarn4, 'add', '13byte-config');
}

/** @type {Installer[]} */
export const installers = [
  {
    name: 'npm install',
    install: (project) => npmInstall(project),
    addons: inNodeModules,
    hosts: runtimes.map(hostOf),
  },
  {
    name: 'bun add',
    install: (project) => install(project, bun.path, 'add', '13byte-config'),
    addons: inNodeModules,
    hosts: runtimes.map(hostOf),
  },
  {
    name: 'pnpm add',
    install: (project) => install(project, pnpm, 'add', '13byte-config'),
    addons: (project) => inNodeModules(join(project, 'node_modules', '.pnpm')),
    hosts: oneOfEach,
  },
  {
    name: 'yarn add (version 1)',
    install: (project) => install(project, node.path, yarn1, 'add', '13byte-config'),
    addons: inNodeModules,
    ignoresLibc: true,
    hosts: oneOfEach,
  },
  {
    name: 'yarn add (version 4, node_modules)',
    install: (project, registry) => addWithYarn4(project, registry, 'node-modules'),
    addons: inNodeModules,
    hosts: oneOfEach,
  },
  {
    name: "yarn add (version 4, Plug'n'Play)",
    install: (project, registry) => addWithYarn4(project, registry, 'pnp'),
    // Addons cannot be loaded from archives, so it unpacks their packages.
    addons: (project) =>
      readdirSync(join(project, '.yarn', 'unplugged')).map((name) => name.replace(/^@13byte-config-|-npm-.*$/g, '')),
    hosts: [yarnNode],
  },
  {
    name: 'deno add',
    install: (project) => install(project, node.path, deno, 'add', 'npm:13byte-config'),
    addons: (project) => inNodeModules(join(project, 'node_modules', '.deno')),
    ignoresLibc: true,
    hosts: [denoHost],
  },
];
