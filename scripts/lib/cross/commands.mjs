// @ts-check
import { copyFileSync, mkdirSync } from 'node:fs';
import { inRoot } from '../paths.mjs';
import { CommandError } from '../process.mjs';
import { duration } from '../progress.mjs';
import { symbolProblems } from './symbols.mjs';
import { cargo, inCache, STANDARD_LIBRARY } from './toolchain.mjs';

/** @typedef {import('./targets.mjs').Target} Target */

/**
 * Lints the library for each target.
 *
 * @param {readonly Target[]} targets
 */
export const check = (targets) => each(targets, checkTarget);

/**
 * Lints the library for one target; throws what it finds.
 *
 * @param {Target} target
 */
export async function checkTarget(target) {
  const args = ['clippy', '--quiet', '--lib', ...STANDARD_LIBRARY, '--target', target.triple, '--', '-D', 'warnings'];
  const result = await cargo(target, args);
  if (!result.ok) throw new CommandError(`cargo ${args.join(' ')}`, result);
}

/**
 * Builds the addon of each target that can be linked here, and checks what it asks of its system.
 *
 * @param {readonly Target[]} targets
 */
export const build = (targets) =>
  each(targets, async (target) => {
    if (target.build === undefined && target.triple.endsWith('-msvc'))
      return "not linked: Microsoft's libraries are missing";
    const name = target.build ?? target.triple;
    const args = ['zigbuild', '--quiet', '--release', '--lib', ...STANDARD_LIBRARY, '--target', name];
    // Without these a build takes three times as long; what it links does not depend on them.
    const env = {
      CARGO_PROFILE_RELEASE_LTO: 'off',
      CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
      CARGO_PROFILE_RELEASE_OPT_LEVEL: '1',
      // Zig's linker strips no Mach-O.
      ...(target.name.startsWith('darwin') ? { CARGO_PROFILE_RELEASE_STRIP: 'none' } : {}),
    };
    const result = await cargo({ ...target, triple: name.replace(/\.\d+\.\d+$/, '') }, args, env);
    if (!result.ok) throw new CommandError(`cargo ${args.join(' ')}`, result);
    const addon = inRoot('native', `binding.${target.name}.node`);
    mkdirSync(inRoot('native'), { recursive: true });
    copyFileSync(inCache('target', name.replace(/\.\d+\.\d+$/, ''), 'release', libraryName(target)), addon);
    const problems = await symbolProblems(target, addon);
    if (problems.length > 0) throw new Error(problems.join('\n'));
    return undefined;
  });

/** @param {Target} target */
function libraryName({ name }) {
  if (name.startsWith('win32')) return 'config13.dll';
  return name.startsWith('darwin') ? 'libconfig13.dylib' : 'libconfig13.so';
}

/**
 * Does something for each target, one after the other, and says how each went.
 *
 * @param {readonly Target[]} targets
 * @param {(target: Target) => Promise<string | void>} work returns why there is nothing to do, if so
 * @returns {Promise<number>} the exit code
 */
async function each(targets, work) {
  let failed = 0;
  for (const target of targets) {
    const start = performance.now();
    process.stdout.write(`${target.name.padEnd(18)}`);
    try {
      const skipped = await work(target);
      process.stdout.write(`${skipped ?? `ok  ${duration(performance.now() - start)}`}\n`);
    } catch (error) {
      failed += 1;
      process.stdout.write(`FAILED\n${error instanceof Error ? error.message : error}\n`);
    }
  }
  return failed === 0 ? 0 : 1;
}
