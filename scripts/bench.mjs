// @ts-check
// Installs, builds and runs the benchmarks on Bun and the newer Nodes, and prints the results as Markdown.
//
//   npm run bench                     all, to the terminal; npm run bench:read and so on for one
//   npm run bench -- --write          keeps the medians, and what is generated from them: scripts/lib/bench-results.mjs
//   npm run bench -- --generate       measures nothing: generates that again
//   npm run bench -- --runtime bun    some runtimes
//   npm run bench -- --only sync      some of read, write, persist, sync, start, scale; core, which no JavaScript runs
//   npm run bench -- --short          everything once, for its checks: a few seconds each, figures that mean nothing
//
// `--write` replaces the benchmarks that were measured, each on all runtimes, and leaves the others.
//
// BENCH_ROUNDS (5) is how often each contestant is measured, BENCH_DIRECTORY where the databases are put.
import { parseArgs } from 'node:util';
import { toMarkdown } from '../bench/lib/report.mjs';
import { benchmarks, benchRuntimes, describeRun, goalsNotJudged, runBenchmark } from './lib/bench.mjs';
import { generateFromResults, keepResults } from './lib/bench-results.mjs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { runOrThrow } from './lib/process.mjs';
import { runMain, step, UsageError } from './lib/progress.mjs';
import { allRuntimes, thisNode } from './lib/runtimes.mjs';

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      write: { type: 'boolean', default: false },
      generate: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      runtime: { type: 'string' },
      only: { type: 'string' },
    },
  });
  const { short, write } = values;
  if (values.generate) return generateFromResults();
  const wanted = values.only === undefined ? benchmarks : select([...benchmarks, 'core'], values.only);
  const ids = values.runtime === undefined ? benchRuntimes : select(benchRuntimes, values.runtime);
  if (write && short) throw new UsageError('The figures of a short run mean nothing, so they are not kept');
  if (write && ids.length < benchRuntimes.length)
    throw new UsageError('Only what was measured on all runtimes is kept');

  await ensureInstalled(root, 'development dependencies');
  await ensureBuilt();
  await ensureInstalled(inRoot('bench'), 'the benchmark tool and what we are compared with');
  const runtimes = (await allRuntimes()).runtimes.filter(({ id }) => ids.includes(id));
  if (runtimes.length === 0) throw new UsageError(`None of ${ids.join(', ')} runs on this platform`);

  const described = await describeRun();
  const tables = [];
  for (const benchmark of wanted) {
    const measured = [];
    for (const runtime of benchmark === 'core' ? [thisNode()] : runtimes) {
      const title =
        benchmark === 'core' ? await rustVersion() : `${runtime.name === 'bun' ? 'Bun' : 'Node'} ${runtime.version}`;
      const found = await step(`${title}: ${benchmark}`, () => runBenchmark(runtime, benchmark, { short }));
      const text = found
        .map((table) => toMarkdown({ ...table, goals: short ? [] : table.goals }, runtime.name === 'bun'))
        .join('\n\n');
      process.stdout.write(`## ${benchmark}, ${title}\n\n${text}\n\n`);
      const empty = found.find(({ rows }) => rows.length === 0);
      if (write && empty) throw new Error(`Not kept, since "${empty.title}" was not measured`);
      measured.push({ title, tables: found });
      tables.push(...found);
    }
    if (write) keepResults(benchmark, described, measured);
  }
  const missing = values.only === undefined ? goalsNotJudged(tables) : [];
  if (missing.length > 0) throw new Error(`No table judges these goals: ${missing.join(', ')}`);
});

async function rustVersion() {
  const { stdout } = await runOrThrow('rustc', ['--version']);
  return stdout.trim().split(' ').slice(0, 2).join(' ');
}

/**
 * @param {string[]} known
 * @param {string} given
 */
function select(known, given) {
  const names = given.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`There is no "${unknown}", only ${known.join(', ')}`);
  return names;
}
