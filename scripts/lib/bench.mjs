// @ts-check
// Runs the benchmarks of `bench/` on a runtime, at length or short.
import { arch, cpus, release, tmpdir, totalmem, type } from 'node:os';
import { goals } from '../../bench/goals.mjs';
import { inRoot } from './paths.mjs';
import { run, runOrThrow } from './process.mjs';

/**
 * @typedef {import('./runtimes.mjs').Runtime} Runtime
 * @typedef {import('../../bench/lib/report.mjs').Table} Table
 */

/** The files of `bench/` that JavaScript runtimes are measured with. */
export const benchmarks = ['read', 'write', 'persist', 'sync', 'start', 'scale'];

/** The runtimes that are measured. */
export const benchRuntimes = ['bun', 'node-24', 'node-26'];

const minutes = 60_000;

/**
 * @param {Runtime} runtime
 * @param {string} benchmark
 * @param {{ short?: boolean }} [options] short: everything once, for the checks alone
 * @returns {Promise<Table[]>}
 */
export async function runBenchmark(runtime, benchmark, { short = false } = {}) {
  const { stdout } = await runOrThrow(runtime.path, [inRoot('bench', `${benchmark}.mjs`)], {
    env: { BENCH_JSON: '1', BENCH_SHORT: short ? '1' : undefined },
    timeoutMs: (short ? 5 : 120) * minutes,
  });
  const tables = JSON.parse(stdout);
  checkTables(benchmark, tables);
  return tables;
}

/**
 * @param {string} benchmark
 * @param {Table[]} tables
 */
function checkTables(benchmark, tables) {
  const figures = tables.flatMap(({ title, rows, goals: judged }) => [
    ...rows.flatMap(({ name, values, p99 = [] }) =>
      [...values, ...p99].map((value) => ({ what: `${title}, ${name}`, value })),
    ),
    ...judged.map(({ goal, figure }) => ({ what: `${title}, goal ${goal}`, value: figure })),
  ]);
  // NaN became null on the way.
  const missing = figures.find(({ value }) => typeof value !== 'number');
  if (figures.length === 0 || missing)
    throw new Error(`${benchmark}: no figure${missing ? ` for ${missing.what}` : ''}`);
}

/**
 * Goals that no table has judged, so that none is forgotten.
 *
 * @param {Table[]} tables of all benchmarks
 * @returns {string[]}
 */
export function goalsNotJudged(tables) {
  const judged = new Set(tables.flatMap((table) => table.goals.map(({ goal }) => goal)));
  // Redis is not everywhere; the table says so.
  return Object.keys(goals).filter((id) => id !== 'toldRedis' && !judged.has(/** @type {keyof typeof goals} */ (id)));
}

/** What is measured, and on which machine. */
export async function describeRun() {
  const commit = await printedBy('git', 'rev-parse', '--short=12', 'HEAD');
  // The results themselves are not among these.
  const changes = await printedBy(
    'git',
    'status',
    '--porcelain',
    '--',
    'src',
    'lib',
    'Cargo.toml',
    'Cargo.lock',
    'bench/core',
    'bench/*.mjs',
  );
  const disk = await printedBy('findmnt', '-no', 'FSTYPE', '-T', process.env.BENCH_DIRECTORY ?? tmpdir());
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: `${commit ?? 'unknown'}${changes ? ' with uncommitted changes' : ''}`,
    machine: [cpus()[0]?.model.trim(), `${cpus().length} cores`, memory, `${type()} ${release()} ${arch()}`, disk]
      .filter(Boolean)
      .join(', '),
  };
}

/**
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<string | undefined>} nothing where there is no such command, or nothing to say
 */
async function printedBy(command, ...args) {
  const { ok, stdout } = await run(command, args).catch(() => ({ ok: false, stdout: '' }));
  return ok ? stdout.trim() : undefined;
}
