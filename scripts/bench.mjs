// @ts-check
// Installs, builds and runs the benchmarks on Bun and the newer Nodes, and prints the results as Markdown.
//
//   npm run bench                     all, to the terminal
//   npm run bench -- --write          keeps them in bench/RESULTS.md
//   npm run bench -- --runtime bun    one runtime
//   npm run bench -- --only read      one of read, write, persist
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

const benchmarks = ['read', 'write', 'persist'];
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

  const parts = [await describeRun()];
  for (const { name, version, path } of runtimes) {
    const title = `${name === 'bun' ? 'Bun' : 'Node'} ${version}`;
    const tables = [];
    for (const benchmark of wanted) {
      const file = inRoot('bench', `${benchmark}.mjs`);
      tables.push((await step(`${title}: ${benchmark}`, () => runOrThrow(path, [file]))).stdout.trim());
    }
    parts.push(`### ${title}\n\n${tables.join('\n\n')}`);
  }
  const results = `${parts.join('\n\n')}\n`;
  process.stdout.write(results);
  if (values.write) replaceResults(results);
});

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

async function describeRun() {
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
    `- Command: \`npm run bench\``,
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

/** @param {string} results */
function replaceResults(results) {
  const file = inRoot('bench', 'RESULTS.md');
  const mark = '<!-- What follows is written by `npm run bench -- --write`. -->\n';
  const text = readFileSync(file, 'utf8');
  const end = text.indexOf(mark);
  if (end === -1) throw new Error(`${file} lacks the line ${mark.trim()}`);
  writeFileSync(file, `${text.slice(0, end)}${mark}\n${results}`);
}
