// @ts-check
// Installs, builds and runs the benchmarks on Bun and the newer Nodes, and prints the results as Markdown.
//
//   npm run bench                     all, to the terminal
//   npm run bench -- --write          keeps them in bench/RESULTS.md
//   npm run bench -- --runtime bun    one runtime
//   npm run bench -- --only sync      one of read, write, persist, sync
//
// `--write` replaces the sections of RESULTS.md that were measured as a whole: `--only sync --write` leaves the others.
//
// BENCH_ROUNDS (5) is how often each contestant is measured, BENCH_DIRECTORY where the databases are put.
import { readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { arch, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import { parseArgs } from 'node:util';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { run, runOrThrow } from './lib/process.mjs';
import { runMain, step, UsageError } from './lib/progress.mjs';
import { allRuntimes } from './lib/runtimes.mjs';

/** The sections of RESULTS.md, with the benchmarks in each. */
const sections = [
  { title: 'Calls', benchmarks: ['read', 'write', 'persist'] },
  { title: 'From one thread or process to another', benchmarks: ['sync'] },
];
const benchmarks = sections.flatMap((section) => section.benchmarks);
const runtimeIds = ['bun', 'node-24', 'node-26'];

/** The names of some file systems by their number (linux/magic.h). */
const fileSystems = new Map([
  [0xef53, 'ext4'], [0x5846_5342, 'xfs'], [0x9123_683e, 'btrfs'], [0x794c_7630, 'overlay'], [0x0102_1994, 'tmpfs'],
  [0x2fc1_2fc1, 'zfs'],
]);

await runMain(async () => {
  const { values } = parseArgs({
    options: { write: { type: 'boolean', default: false }, runtime: { type: 'string' }, only: { type: 'string' } },
  });
  const wanted = select(benchmarks, values.only);
  const ids = select(runtimeIds, values.runtime);

  await ensureInstalled(root, 'development dependencies');
  await ensureBuilt();
  await ensureInstalled(inRoot('bench'), 'the benchmark tool');
  const runtimes = (await allRuntimes()).runtimes.filter(({ id }) => ids.includes(id));

  for (const section of sections) {
    const measured = section.benchmarks.filter((benchmark) => wanted.includes(benchmark));
    if (measured.length === 0) continue;
    const command = `npm run bench${wanted.length < benchmarks.length ? ` -- --only ${measured.join(',')}` : ''}`;
    const results = `${(await measure(runtimes, measured, command)).join('\n\n')}\n`;
    process.stdout.write(`## ${section.title}\n\n${results}\n`);
    const isWhole = measured.length === section.benchmarks.length && ids.length === runtimeIds.length;
    if (values.write && isWhole) replaceSection(section.title, results);
    else if (values.write) throw new UsageError(`Only whole sections are kept, and "${section.title}" was not`);
  }
});

/**
 * @param {import('./lib/runtimes.mjs').Runtime[]} runtimes
 * @param {string[]} selected benchmarks
 * @param {string} command
 */
async function measure(runtimes, selected, command) {
  const parts = [await describeRun(command)];
  for (const { name, version, path } of runtimes) {
    const title = `${name === 'bun' ? 'Bun' : 'Node'} ${version}`;
    const tables = [];
    for (const benchmark of selected) {
      const file = inRoot('bench', `${benchmark}.mjs`);
      tables.push((await step(`${title}: ${benchmark}`, () => runOrThrow(path, [file]))).stdout.trim());
    }
    parts.push(`### ${title}\n\n${tables.join('\n\n')}`);
  }
  return parts;
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

/** @param {string} command */
async function describeRun(command) {
  const [cpu] = cpus();
  const directory = process.env.BENCH_DIRECTORY ?? tmpdir();
  const fileSystem = statfsSync(directory).type;
  const load = loadavg().map((figure) => figure.toFixed(1)).join(', ');
  return [
    `- Machine: ${cpu?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()} ${arch()}`,
    `- Load average at the start (1, 5, 15 minutes): ${load}`,
    `- File system of the databases: ${fileSystems.get(fileSystem) ?? `0x${fileSystem.toString(16)}`}`,
    `- Commit: ${await commit()}`,
    `- Date: ${new Date().toISOString().slice(0, 10)}`,
    `- Command: \`${command}\``,
  ].join('\n');
}

/** What was measured, as far as git can say. */
async function commit() {
  const revision = await run('git', ['rev-parse', '--short=12', 'HEAD']);
  if (!revision.ok) return 'unknown';
  const changes = await run('git', ['status', '--porcelain', '--', 'src', 'lib', 'Cargo.toml', 'Cargo.lock', 'bench']);
  const own = changes.stdout.split('\n').filter((line) => line !== '' && !line.endsWith('bench/RESULTS.md'));
  return revision.stdout.trim() + (own.length > 0 ? ' with uncommitted changes' : '');
}

/**
 * @param {string} title
 * @param {string} results
 */
function replaceSection(title, results) {
  const file = inRoot('bench', 'RESULTS.md');
  const text = readFileSync(file, 'utf8');
  const heading = `\n## ${title}\n`;
  const mark = '\n<!-- Written by `npm run bench -- --write`, up to the next section. -->\n';
  const start = text.indexOf(mark, text.indexOf(heading));
  if (!text.includes(heading) || start === -1) throw new Error(`${file} lacks the section ${title}, or its line ${mark.trim()}`);
  const next = text.indexOf('\n## ', start);
  writeFileSync(file, `${text.slice(0, start)}${mark}\n${results}${next === -1 ? '' : text.slice(next)}`);
}
