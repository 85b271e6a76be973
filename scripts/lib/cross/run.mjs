// @ts-check
// Runs the quick start on runtimes of other platforms, under emulation.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { npm } from '../npm.mjs';
import { inRoot } from '../paths.mjs';
import { CommandError, run } from '../process.mjs';
import { debian, debianLibraries, once, unpack } from './toolchain.mjs';

/** qemu for the processor, and the C and C++ libraries of its glibc. */
const EMULATOR = [
  'qemu-user',
  'libcapstone4',
  'libc6-arm64-cross',
  'libstdc++6-arm64-cross',
  'libgcc-s1-arm64-cross',
  'libatomic1-arm64-cross',
];

const manifest = inRoot('__test__', 'cross');

/** What can be run here: a runtime, and the addon that it loads. */
export const emulated = [
  { name: 'node-20-arm64', addon: 'linux-arm64-gnu', executable: 'bin/node' },
  { name: 'node-26-arm64', addon: 'linux-arm64-gnu', executable: 'bin/node' },
  { name: 'bun-arm64', addon: 'linux-arm64-gnu', executable: 'bin/bun' },
];

export async function ensureEmulator() {
  await once('qemu', () => unpack(EMULATOR));
  // npm refuses packages of other platforms unless it is forced.
  if (!existsSync(join(manifest, 'node_modules')))
    await npm(['ci', '--force', '--ignore-scripts', '--no-audit', '--no-fund'], manifest);
}

/**
 * Runs the quick start on an emulated runtime; throws what it printed if it fails.
 *
 * @param {(typeof emulated)[number]} runtime
 */
export async function quickStart({ name, addon, executable }) {
  if (!existsSync(inRoot('native', `binding.${addon}.node`)))
    throw new Error(`There is no addon for it: npm run cross -- build ${addon}`);
  const command = join(debian, 'usr/bin/qemu-aarch64');
  // The emulator's own libraries are not those of the program.
  const system = ['-E', 'LD_LIBRARY_PATH=', '-L', join(debian, 'usr/aarch64-linux-gnu')];
  const args = [...system, join(manifest, 'node_modules', name, executable)];
  const program = inRoot('__test__', 'children', 'quick-start.mjs');
  const result = await run(command, [...args, program], {
    env: {
      CROSS_COMMAND: JSON.stringify(['env', `LD_LIBRARY_PATH=${debianLibraries}`, command, ...args]),
      LD_LIBRARY_PATH: debianLibraries,
    },
    timeoutMs: 5 * 60_000,
  });
  if (!result.ok) throw new CommandError(`${name} ${program}`, result);
}
