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
import { mkdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { arch, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import { parseArgs } from 'node:util';
import { benchmarks, benchRuntimes, goalsNotJudged, runBenchmark } from './lib/bench.mjs';
import { drawChart } from './lib/bench-charts.mjs';
import { keepResults, sectionText, titles } from './lib/bench-results.mjs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { run } from './lib/process.mjs';
import { runMain, step, UsageError } from './lib/progress.mjs';
import { allRuntimes } from './lib/runtimes.mjs';

/** @typedef {import('./lib/bench-results.mjs').Section} Section */

/** The names of some file systems by their number (linux/magic.h). */
const fileSystems = new Map([
  [0xef53, 'ext4'], [0x5846_5342, 'xfs'], [0x9123_683e, 'btrfs'], [0x794c_7630, 'overlay'], [0x0102_1994, 'tmpfs'],
  [0x2fc1_2fc1, 'zfs'],
]);

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
    if (!write) continue;
    mkdirSync(inRoot('bench', 'charts'), { recursive: true });
    writeFileSync(inRoot('bench', 'charts', `${benchmark}.svg`), chart);
    keepResults({ [benchmark]: section });
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
  const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()} ${arch()}`;
  const revision = await commit();
  const facts = [
    `Machine: ${machine}`,
    `Load average at the start (1, 5, 15 minutes): ${loadavg().map((figure) => figure.toFixed(1)).join(', ')}`,
    `File system of the databases: ${fileSystemName()}`,
    `Compared with: ${peerVersions()}`,
    `Commit: ${revision}`,
    `Date: ${new Date().toISOString().slice(0, 10)}`,
    `Command: \`npm run bench:${benchmark}${short ? ' -- --short' : ''}\``,
  ];
  /** @type {Section} */
  const section = { facts, commit: revision, machine, runtimes: [] };
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

function fileSystemName() {
  const { type: number } = statfsSync(process.env.BENCH_DIRECTORY ?? tmpdir());
  return fileSystems.get(number) ?? `0x${number.toString(16)}`;
}

function peerVersions() {
  const { dependencies } = JSON.parse(readFileSync(inRoot('bench', 'package.json'), 'utf8'));
  return Object.entries(dependencies).map(([name, version]) => `${name} ${version}`).join(', ');
}

/** What was measured, as far as git can say. */
async function commit() {
  const revision = await run('git', ['rev-parse', '--short=12', 'HEAD']);
  if (!revision.ok) return 'unknown';
  const changes = await run('git', ['status', '--porcelain', '--', 'src', 'lib', 'Cargo.toml', 'Cargo.lock', 'bench']);
  const own = changes.stdout.split('\n').filter((line) => line !== '' && !/bench\/(RESULTS\.md|results\.json|charts\/)/.test(line));
  return revision.stdout.trim() + (own.length > 0 ? ' with uncommitted changes' : '');
}
