// @ts-check
import { copyFileSync, mkdirSync } from 'node:fs';
import { basename } from 'node:path';
import { inRoot } from '../paths.mjs';
import { CommandError } from '../process.mjs';
import { duration } from '../progress.mjs';
import { specFiles } from '../specs.mjs';
import { emulated, prepare, quickStart, specs } from './run.mjs';
import { symbolProblems } from './symbols.mjs';
import { cargo, inCache, STANDARD_LIBRARY } from './toolchain.mjs';

/** @typedef {import('./targets.mjs').Target} Target */

/**
 * Lints the library and its tests for each target.
 *
 * @param {readonly Target[]} targets
 */
export const check = (targets) => each(targets, (target) => checkTarget(target, ['--lib', '--tests']));

/**
 * Lints the library, or other parts of the crate, for one target; throws what it finds.
 *
 * @param {Target} target
 * @param {readonly string[]} [parts] as cargo selects them
 */
export async function checkTarget(target, parts = ['--lib']) {
  const args = ['clippy', '--quiet', ...parts, ...STANDARD_LIBRARY, '--target', target.triple, '--', '-D', 'warnings'];
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
 * Runs the quick start on runtimes of other platforms.
 *
 * @param {readonly string[]} wanted their names; none or `all` for every one
 */
export async function runAll(wanted) {
  const { runtimes, rest } = selectRuntimes(wanted);
  const [unknown] = rest;
  if (unknown !== undefined)
    throw new RangeError(`There is no runtime ${unknown}, only ${emulated.map(({ name }) => name).join(', ')}`);
  await prepare();
  return each(runtimes, quickStart);
}

/**
 * Runs the specs on the main thread of runtimes of other platforms.
 *
 * @param {readonly string[]} wanted names of runtimes, and parts of the names of specs; none for all
 */
export async function runSpecsOf(wanted) {
  const { runtimes, rest } = selectRuntimes(wanted);
  const files = specFiles().filter((file) => rest.length === 0 || rest.some((part) => basename(file).includes(part)));
  if (files.length === 0) throw new RangeError(`There is no spec ${rest.join(', ')}`);
  const items = runtimes.flatMap((runtime) =>
    files.map((file) => ({ name: `${runtime.name} ${basename(file, '.spec.mjs')}`, runtime, file })),
  );
  await prepare();
  return each(items, async ({ runtime, file }) => {
    const { passed, failed, output } = await specs(runtime, file);
    if (failed > 0) throw new Error(`${output}\n${passed} passed, ${failed} failed`);
    return `ok  ${passed} passed`;
  });
}

/** @param {readonly string[]} wanted */
function selectRuntimes(wanted) {
  const runtimes = emulated.filter(({ name }) => wanted.includes(name));
  const rest = wanted.filter((one) => one !== 'all' && !runtimes.some(({ name }) => name === one));
  return { runtimes: runtimes.length > 0 ? runtimes : emulated, rest };
}

/**
 * Does something for each, one after the other, and says how each went.
 *
 * @template {{ name: string }} Item
 * @param {readonly Item[]} items
 * @param {(item: Item) => Promise<string | void>} work returns why there is nothing to do, if so
 * @returns {Promise<number>} the exit code
 */
async function each(items, work) {
  let failed = 0;
  for (const item of items) {
    const start = performance.now();
    process.stdout.write(`${item.name.padEnd(40)}`);
    try {
      const skipped = await work(item);
      process.stdout.write(`${skipped ?? `ok  ${duration(performance.now() - start)}`}\n`);
    } catch (error) {
      failed += 1;
      process.stdout.write(`FAILED\n${error instanceof Error ? error.message : error}\n`);
    }
  }
  return failed === 0 ? 0 : 1;
}
