// @ts-check
// Runs the quick start on runtimes of other platforms, under emulation.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundle } from '../build.mjs';
import { npm } from '../npm.mjs';
import { inRoot } from '../paths.mjs';
import { CommandError, run } from '../process.mjs';
import { runSpec } from '../specs.mjs';
import { musl } from './musl.mjs';
import { debian, debianLibraries, inCache, once, script, unpack } from './toolchain.mjs';
import { ensureWine, wineCommand, wineEnvironment } from './wine.mjs';

/** qemu for the processor, and the C and C++ libraries of its glibc. */
const QEMU = [
  'qemu-user',
  'libcapstone4',
  'libc6-arm64-cross',
  'libstdc++6-arm64-cross',
  'libgcc-s1-arm64-cross',
  'libatomic1-arm64-cross',
];

/**
 * What runs programs of another platform.
 *
 * @typedef {object} Emulator
 * @property {string} addon
 * @property {() => Promise<void>} ensure
 * @property {string} command
 * @property {readonly string[]} args
 * @property {NodeJS.ProcessEnv} env
 * @property {boolean} inherited whether the programs start each other without help
 */

/** @type {Emulator} */
const arm64 = {
  addon: 'linux-arm64-gnu',
  ensure: () => once('qemu', () => unpack(QEMU)),
  command: join(debian, 'usr/bin/qemu-aarch64'),
  // The emulator's own libraries are not those of the program.
  args: ['-E', 'LD_LIBRARY_PATH=', '-L', join(debian, 'usr/aarch64-linux-gnu')],
  env: { LD_LIBRARY_PATH: debianLibraries },
  inherited: false,
};

/** @type {Emulator} */
const windows = {
  addon: 'win32-x64-msvc',
  ensure: ensureWine,
  command: wineCommand,
  args: [],
  env: wineEnvironment,
  inherited: true,
};

const muslX64 = musl('x64');
const muslArm64 = musl('arm64');

/** @type {Emulator} */
const x64Musl = {
  addon: 'linux-x64-musl',
  ensure: muslX64.ensure,
  command: muslX64.loader,
  args: ['--library-path', muslX64.libraries],
  env: {},
  inherited: false,
};

/** @type {Emulator} */
const arm64Musl = {
  ...arm64,
  addon: 'linux-arm64-musl',
  async ensure() {
    await arm64.ensure();
    await muslArm64.ensure();
  },
  args: ['-E', `LD_LIBRARY_PATH=${muslArm64.libraries}`, '-L', muslArm64.root],
};

/** What can be run here. */
export const emulated = [
  { name: 'node-20-arm64', executable: 'bin/node', emulator: arm64 },
  { name: 'node-26-arm64', executable: 'bin/node', emulator: arm64 },
  { name: 'bun-arm64', executable: 'bin/bun', emulator: arm64 },
  { name: 'node-24-musl', executable: muslX64.node, emulator: x64Musl },
  { name: 'bun-musl', executable: 'bin/bun', emulator: x64Musl },
  { name: 'node-24-arm64-musl', executable: muslArm64.node, emulator: arm64Musl },
  { name: 'bun-arm64-musl', executable: 'bin/bun', emulator: arm64Musl },
  // Node 20 cannot write to pipes in wine 8, and later ones crash there.
  { name: 'bun-win32', executable: 'bin/bun.exe', emulator: windows },
];

const manifest = inRoot('__test__', 'cross');

/** Bundles the package, and installs the runtimes. npm refuses packages of other platforms unless it is forced. */
export async function prepare() {
  await bundle();
  if (existsSync(join(manifest, 'node_modules'))) return;
  await npm(['ci', '--force', '--ignore-scripts', '--no-audit', '--no-fund'], manifest);
}

/** @typedef {(typeof emulated)[number]} Emulated */

/**
 * Runs the quick start on an emulated runtime; throws what it printed if it fails.
 *
 * @param {Emulated} runtime
 */
export async function quickStart(runtime) {
  const path = await start(runtime);
  const program = inRoot('__test__', 'children', 'quick-start.mjs');
  const cwd = mkdtempSync(join(tmpdir(), '13byte-config-cross-'));
  const result = await run(path, [program], { cwd, env: ownCommand(runtime, path), timeoutMs: 5 * 60_000 });
  rmSync(cwd, { recursive: true });
  if (!result.ok) throw new CommandError(`${runtime.name} ${program}`, result);
}

/**
 * Runs a spec file on the main thread of an emulated runtime.
 *
 * @param {Emulated} runtime
 * @param {string} file
 */
export async function specs(runtime, file) {
  const path = await start(runtime);
  const name = runtime.name.startsWith('bun') ? 'bun' : 'node';
  const first = inRoot('__test__', 'harness', 'exec-path.mjs');
  const own = ownCommand(runtime, path);
  const loading = name === 'bun' ? { BUN_OPTIONS: `--preload=${first}` } : { NODE_OPTIONS: `--import=${first}` };
  const env = own.SPEC_EXEC_PATH === undefined ? own : { ...own, ...loading };
  return runSpec(file, { id: runtime.name, name, version: '', path }, 'main', env);
}

/**
 * What tells a program how to start another one of its kind.
 *
 * @param {Emulated} runtime
 * @param {string} path
 */
const ownCommand = ({ emulator }, path) => ({ SPEC_EXEC_PATH: emulator.inherited ? undefined : path });

/**
 * Makes a command that starts the runtime as if it were one of this machine.
 *
 * @param {Emulated} runtime
 */
async function start({ name, executable, emulator: { addon, ensure, command, args, env } }) {
  if (!existsSync(inRoot('native', `binding.${addon}.node`)))
    throw new Error(`There is no addon for it: npm run cross -- build ${addon}`);
  await ensure();
  const set = Object.entries(env).map(([key, value]) => `${key}='${value}'`);
  const program = [command, ...args, resolve(manifest, 'node_modules', name, executable)];
  script(`bin/${name}`, [`exec env ${set.join(' ')} ${program.map((part) => `'${part}'`).join(' ')} "$@"`]);
  return inCache('bin', name);
}
