// @ts-check
// Runs the benchmarks of `bench/` on a runtime, at length or short.
import { goals } from '../../bench/goals.mjs';
import { inRoot } from './paths.mjs';
import { runOrThrow } from './process.mjs';

/**
 * @typedef {import('./runtimes.mjs').Runtime} Runtime
 * @typedef {import('../../bench/lib/report.mjs').Table} Table
 */

/** The files of `bench/`. */
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
    ...rows.flatMap(({ name, values, p99 = [] }) => [...values, ...p99].map((value) => ({ what: `${title}, ${name}`, value }))),
    ...judged.map(({ goal, figure }) => ({ what: `${title}, goal ${goal}`, value: figure })),
  ]);
  // NaN became null on the way.
  const missing = figures.find(({ value }) => typeof value !== 'number');
  if (figures.length === 0 || missing) throw new Error(`${benchmark}: no figure${missing ? ` for ${missing.what}` : ''}`);
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
