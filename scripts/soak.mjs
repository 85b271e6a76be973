// @ts-check
// Installs, builds, and does at length what the specs do briefly. Takes about half an hour, and says what it proved.
//
//   npm run soak                           all parts
//   npm run soak -- --part flips,kills     some: flips, terminals, kills, persists, order, years, everybody, behind, power, threads, disk
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { root } from './lib/paths.mjs';
import { duration, runMain, UsageError } from './lib/progress.mjs';
import { allRuntimes } from './lib/runtimes.mjs';

/** For one part; far above what any takes on a slow machine. */
const LIMIT_MS = 20 * 60_000;

await runMain(async () => {
  const { values } = parseArgs({ options: { part: { type: 'string' } } });
  await ensureInstalled(root, 'development dependencies');
  await ensureBuilt();
  const { runtimes, missing } = await allRuntimes();
  if (missing.length > 0) process.stderr.write(`NOT TESTED on this platform: ${missing.join(', ')}\n`);
  // Loaded here because the package exists only now.
  const { parts } = await import('../__test__/soak/parts.mjs');
  const wanted = values.part?.split(',') ?? Object.keys(parts);
  let failed = 0;
  for (const name of wanted) {
    const part = Object.entries(parts).find(([known]) => known === name)?.[1];
    if (!part) throw new UsageError(`There is no part "${name}", only ${Object.keys(parts).join(', ')}`);
    if (!(await runPart(name, part, runtimes))) failed += 1;
  }
  return failed === 0 ? 0 : 1;
});

/**
 * @param {string} name
 * @param {{ promise: string, run: (context: any) => any }} part
 * @param {import('./lib/runtimes.mjs').Runtime[]} runtimes
 */
async function runPart(name, { promise, run }, runtimes) {
  process.stdout.write(`${name}: ${promise}\n`);
  const directory = mkdtempSync(join(tmpdir(), '13byte-config-soak-'));
  for (const below of ['disk', ...runtimes.map(({ id }) => id)]) mkdirSync(join(directory, below));
  /** @type {(() => unknown)[]} */
  const cleanups = [];
  const started = performance.now();
  try {
    const counts = await within(
      LIMIT_MS,
      run({
        directory,
        runtimes,
        bun: pathOf(runtimes, 'bun'),
        node: pathOf(runtimes, 'node-24'),
        after: (/** @type {() => unknown} */ cleanup) => void cleanups.push(cleanup),
      }),
    );
    process.stdout.write(`  held, in ${duration(performance.now() - started)}: ${describe(counts)}\n`);
    return true;
  } catch (error) {
    process.stdout.write(
      `  FAILED after ${duration(performance.now() - started)}: ${/** @type {Error} */ (error).stack}\n`,
    );
    return false;
  } finally {
    for (const cleanup of cleanups.toReversed()) await cleanup();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * @param {number} ms
 * @param {Promise<unknown>} work
 */
async function within(ms, work) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const expired = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It took longer than ${duration(ms)}`)), ms);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The runtime of this id, or the one that runs this script.
 *
 * @param {import('./lib/runtimes.mjs').Runtime[]} runtimes
 * @param {string} id
 */
function pathOf(runtimes, id) {
  return runtimes.find((runtime) => runtime.id === id)?.path ?? process.execPath;
}

/**
 * @param {object} counts
 * @returns {string}
 */
function describe(counts) {
  return Object.entries(counts)
    .map(([name, value]) =>
      typeof value === 'object' ? `\n    ${name}: ${describe(value)}` : `${name} ${number(value)}`,
    )
    .join(', ')
    .replaceAll(', \n', '\n');
}

/** @param {unknown} value */
function number(value) {
  return typeof value === 'number' ? value.toLocaleString('en') : String(value);
}
