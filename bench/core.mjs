// @ts-check
// The Rust core without JavaScript: time by criterion, instructions by callgrind where valgrind is installed.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runOrThrow } from '../scripts/lib/process.mjs';
import { report } from './lib/report.mjs';

/** @typedef {import('./lib/report.mjs').Row} Row */

/** Both counts are made twice, which shows whether they repeat. */
const REPETITIONS = /** @type {const} */ ([100, 200]);
const ROUNDS = 2;

const hasValgrind = await run('valgrind', ['--version']).then(
  ({ ok }) => ok,
  () => false,
);
const program = await buildInstructions();
const times = await measureTimes();
report([
  {
    title: 'Instructions of one operation',
    unit: 'instructions',
    compared: 'nothing',
    columns: ['counted', 'lowest to highest of two'],
    rows: hasValgrind ? await countInstructions(times.map(({ name }) => name)) : [],
    goals: [],
    notes: hasValgrind ? [] : ['**Instructions were not counted: valgrind is not installed.**'],
  },
  {
    title: 'Time of one operation',
    unit: 'ns',
    compared: 'nothing',
    columns: ['median', 'confidence interval of 95 %'],
    rows: times,
    goals: [],
  },
]);

/** @returns {Promise<string>} the program to count in */
async function buildInstructions() {
  const { stdout } = await runOrThrow('cargo', [
    'bench',
    '--no-default-features',
    '--bench',
    'instructions',
    '--no-run',
    '--message-format=json',
  ]);
  const built = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  const executable = built.find((message) => message.executable && message.target.name === 'instructions')?.executable;
  if (!executable) throw new Error('Cargo names no program "instructions"');
  return executable;
}

/** @returns {Promise<Row[]>} medians of criterion, between the ends of their confidence intervals */
async function measureTimes() {
  const { stdout } = await runOrThrow('cargo', ['bench', '--no-default-features', '--bench', 'core']);
  const metadata = await runOrThrow('cargo', ['metadata', '--no-deps', '--format-version=1']);
  const directory = join(JSON.parse(metadata.stdout).target_directory, 'criterion');
  // Directories are named for the operations, which the output lists in their order.
  const names = readdirSync(directory).filter(
    (name) => existsSync(join(directory, name, 'new', 'estimates.json')) && stdout.includes(name),
  );
  return names
    .toSorted((one, other) => stdout.indexOf(one) - stdout.indexOf(other))
    .map((name) => {
      const { median } = JSON.parse(readFileSync(join(directory, name, 'new', 'estimates.json'), 'utf8'));
      const { lower_bound: lower, upper_bound: upper } = median.confidence_interval;
      return { name, values: [lower, median.point_estimate, upper] };
    });
}

/**
 * @param {string[]} operations
 * @returns {Promise<Row[]>}
 */
async function countInstructions(operations) {
  const rows = [];
  for (const name of operations) {
    const values = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const [fewer, more] = REPETITIONS;
      const difference = (await count(name, more)) - (await count(name, fewer));
      values.push(difference / (more - fewer));
    }
    rows.push({ name, values });
  }
  return rows;
}

/**
 * @param {string} name
 * @param {number} repetitions
 */
async function count(name, repetitions) {
  const { output } = await runOrThrow('valgrind', [
    '--tool=callgrind',
    '--callgrind-out-file=/dev/null',
    program,
    name,
    String(repetitions),
  ]);
  const collected = /Collected : (\d+)/.exec(output)?.[1];
  if (!collected) throw new Error(`Callgrind says nothing of ${name}:\n${output}`);
  return Number(collected);
}
