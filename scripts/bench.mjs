// @ts-check
// Installs, builds and runs the benchmarks on Bun and the newer Nodes, and prints the results as Markdown.
//
//   npm run bench                     all, to the terminal; npm run bench:read and so on for one
//   npm run bench -- --write          keeps them: bench/results.json, bench/RESULTS.md, bench/charts, the README
//   npm run bench -- --runtime bun    some runtimes
//   npm run bench -- --only sync      some of read, write, persist, sync, start, scale
//   npm run bench -- --short          everything once, for its checks: a few seconds each, figures that mean nothing
//
// `--write` replaces the sections that were measured, each on all runtimes, and leaves the others.
//
// BENCH_ROUNDS (5) is how often each contestant is measured, BENCH_DIRECTORY where the databases are put.
import { parseArgs } from 'node:util';
import { benchmarks, benchRuntimes, goalsNotJudged, runBenchmark } from './lib/bench.mjs';
import { drawChart } from './lib/bench-charts.mjs';
import { describeRun } from './lib/bench-facts.mjs';
import { keepResults, sectionText, titles } from './lib/bench-results.mjs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { runMain, step, UsageError } from './lib/progress.mjs';
import { allRuntimes } from './lib/runtimes.mjs';

/** @typedef {import('./lib/bench-results.mjs').Section} Section */

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      write: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      runtime: { type: 'string' },
      only: { type: 'string' },
    },
  });
  const { short, write } = values;
  const wanted = select(benchmarks, values.only);
  const ids = select(benchRuntimes, values.runtime);
  if (write && short) throw new UsageError('The figures of a short run mean nothing, so they are not kept');
  if (write && ids.length < benchRuntimes.length) throw new UsageError('Only what was measured on all runtimes is kept');

  await ensureInstalled(root, 'development dependencies');
  await ensureBuilt();
  await ensureInstalled(inRoot('bench'), 'the benchmark tool and what we are compared with');
  const runtimes = (await allRuntimes()).runtimes.filter(({ id }) => ids.includes(id));
  if (runtimes.length === 0) throw new UsageError(`None of ${ids.join(', ')} runs on this platform`);

  const isWhole = wanted.length === benchmarks.length;
  const tables = [];
  for (const benchmark of wanted) {
    const section = await measure(runtimes, benchmark, short);
    process.stdout.write(`## ${titles[benchmark]}\n\n${sectionText(benchmark, section)}\n\n`);
    tables.push(...section.runtimes.flatMap((runtime) => runtime.tables));
    const chart = await drawChart(titles[benchmark] ?? benchmark, section.runtimes);
    if (write) keepResults(benchmark, section, chart);
  }
  const missing = goalsNotJudged(tables);
  if (isWhole && missing.length > 0) throw new Error(`No table judges these goals: ${missing.join(', ')}`);
});

/**
 * @param {import('./lib/runtimes.mjs').Runtime[]} runtimes
 * @param {string} benchmark
 * @param {boolean} short
 * @returns {Promise<Section>}
 */
async function measure(runtimes, benchmark, short) {
  const described = await describeRun(`npm run bench:${benchmark}${short ? ' -- --short' : ''}`);
  /** @type {Section} */
  const section = { ...described, runtimes: [] };
  for (const runtime of runtimes) {
    const isBun = runtime.name === 'bun';
    const title = `${isBun ? 'Bun' : 'Node'} ${runtime.version}`;
    const tables = await step(`${title}: ${benchmark}`, () => runBenchmark(runtime, benchmark, { short }));
    section.runtimes.push({ title, isBun, tables });
  }
  return section;
}

/**
 * @param {string[]} known
 * @param {string | undefined} given
 */
function select(known, given) {
  const names = given?.split(',') ?? known;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`There is no "${unknown}", only ${known.join(', ')}`);
  return names;
}
