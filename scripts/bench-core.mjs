// @ts-check
// Measures the Rust core without JavaScript: time with criterion, instructions with callgrind where valgrind is installed.
//
//   npm run bench:core                to the terminal
//   npm run bench:core -- --write     keeps it in bench/results.json and bench/RESULTS.md
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { drawChart } from './lib/bench-charts.mjs';
import { describeRun } from './lib/bench-facts.mjs';
import { CORE, keepResults, sectionText, titles } from './lib/bench-results.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { inRoot } from './lib/paths.mjs';
import { run, runOrThrow } from './lib/process.mjs';
import { runMain, step, UsageError } from './lib/progress.mjs';

/**
 * @typedef {import('../bench/lib/report.mjs').Row} Row
 * @typedef {import('../bench/lib/report.mjs').Table} Table
 */

/** Both counts are made twice, which shows whether they repeat. */
const REPETITIONS = /** @type {const} */ ([100, 200]);
const ROUNDS = 2;

const cargoBench = ['bench', '--no-default-features', '--bench', 'core', '--bench', 'instructions'];

await runMain(async () => {
  const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
  const hasValgrind = await run('valgrind', ['--version']).then(({ ok }) => ok, () => false);
  if (values.write && !hasValgrind) throw new UsageError('Only a run with instructions is kept, and valgrind is not installed');

  const described = await describeRun('npm run bench:core', { withPeers: false });
  const program = await step('Building the benchmarks (some minutes the first time)', buildInstructions);
  const times = await step('Measuring time', measureTimes);
  const notes = hasValgrind ? [] : ['**Instructions were not counted: valgrind is not installed.**'];
  const names = times.map(({ name }) => name);
  const instructions = hasValgrind ? await step('Counting instructions', () => countInstructions(program, names)) : undefined;
  /** @type {import('./lib/bench-results.mjs').Section} */
  const section = {
    ...described,
    runtimes: [{
      title: await rustVersion(),
      isBun: false,
      tables: [
        ...(instructions ? [instructions] : []),
        { title: 'Time of one operation', unit: 'ns', compared: 'nothing', columns: ['median', 'confidence interval of 95 %'], rows: times, goals: [], notes },
      ],
    }],
  };
  process.stdout.write(`## ${titles[CORE]}\n\n${sectionText(CORE, section)}\n`);
  if (!values.write) return;
  await ensureInstalled(inRoot('bench'), 'what draws charts');
  keepResults(CORE, section, await drawChart(titles[CORE] ?? '', section.runtimes));
});

/** @returns {Promise<string>} the program to count in */
async function buildInstructions() {
  const { stdout } = await runOrThrow('cargo', [...cargoBench, '--no-run', '--message-format=json']);
  const built = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const program = built.find(({ executable, target }) => executable && target.name === 'instructions')?.executable;
  if (!program) throw new Error('Cargo names no program "instructions"');
  return program;
}

/** @returns {Promise<Row[]>} medians of criterion, between the ends of their confidence intervals */
async function measureTimes() {
  const { stdout } = await runOrThrow('cargo', ['bench', '--no-default-features', '--bench', 'core']);
  const directory = await criterionDirectory();
  // Directories are named for the operations, which the output lists in their order.
  const names = readdirSync(directory).filter((name) => existsSync(join(directory, name, 'new', 'estimates.json')) && stdout.includes(name));
  return names
    .toSorted((one, other) => stdout.indexOf(one) - stdout.indexOf(other))
    .map((name) => {
      const { median } = JSON.parse(readFileSync(join(directory, name, 'new', 'estimates.json'), 'utf8'));
      const { lower_bound: lower, upper_bound: upper } = median.confidence_interval;
      return { name, values: [lower, median.point_estimate, upper] };
    });
}

async function criterionDirectory() {
  const { stdout } = await runOrThrow('cargo', ['metadata', '--no-deps', '--format-version=1']);
  return join(JSON.parse(stdout).target_directory, 'criterion');
}

/**
 * @param {string} program
 * @param {string[]} operations
 * @returns {Promise<Table>}
 */
async function countInstructions(program, operations) {
  const rows = [];
  for (const name of operations) {
    const values = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const [fewer, more] = REPETITIONS;
      const difference = (await count(program, name, more)) - (await count(program, name, fewer));
      values.push(difference / (more - fewer));
    }
    rows.push({ name, values });
  }
  return { title: 'Instructions of one operation', unit: 'instructions', compared: 'nothing', columns: ['counted', 'lowest to highest of two'], rows, goals: [] };
}

/**
 * @param {string} program
 * @param {string} name
 * @param {number} repetitions
 */
async function count(program, name, repetitions) {
  const { output } = await runOrThrow('valgrind', [
    '--tool=callgrind', '--callgrind-out-file=/dev/null', program, name, String(repetitions),
  ]);
  const collected = /Collected : (\d+)/.exec(output)?.[1];
  if (!collected) throw new Error(`Callgrind says nothing of ${name}:\n${output}`);
  return Number(collected);
}

async function rustVersion() {
  const { stdout } = await runOrThrow('rustc', ['--version']);
  return stdout.trim().split(' ').slice(0, 2).join(' ');
}
