// @ts-check
// Measures contestants against the first one of their group. Each runs in processes of its own, so that none is
// measured with code that another one has shaped. Rounds go through all contestants in turn, so that a machine that
// becomes slower half-way does so for everyone.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { do_not_optimize, measure } from 'mitata';

/**
 * @typedef {object} Subject what is measured
 * @property {number} operations that one call of `run` makes
 * @property {() => unknown} run returns something that depends on what it did, or a promise of it
 *
 * @typedef {object} Group contestants for the same job, the baseline first
 * @property {string} title
 * @property {Record<string, () => Subject | Promise<Subject>>} contestants
 */

const rounds = Number(process.env.BENCH_ROUNDS ?? 5);

/**
 * Prints a table for each group; in the process of a contestant, measures that one.
 *
 * @param {string} url of the calling module
 * @param {Group[]} groups
 */
export async function compare(url, groups) {
  const [group, contestant] = process.argv.slice(2);
  if (group !== undefined && contestant !== undefined) return measureHere(groups[Number(group)], contestant);
  for (const [index, { title, contestants }] of groups.entries()) {
    const names = Object.keys(contestants);
    /** @type {Map<string, number[]>} */
    const figures = new Map(names.map((name) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const name of names) figures.get(name)?.push(await measureApart(url, index, name));
    }
    printTable(title, figures);
  }
}

/**
 * @param {Group | undefined} group
 * @param {string} name
 */
async function measureHere(group, name) {
  const setUp = group?.contestants[name];
  if (!setUp) throw new Error(`No contestant ${name}`);
  const { operations, run } = await setUp();
  // Without a collector that a flag exposes, mitata would allocate a gigabyte to provoke one.
  const { p50 } = await measure(isAsync(run) ? async () => do_not_optimize(await run()) : () => do_not_optimize(run()), { gc: false });
  process.stdout.write(`${p50 / operations}\n`);
}

/** @param {() => unknown} run */
const isAsync = (run) => run.constructor.name === 'AsyncFunction';

/**
 * @param {string} url
 * @param {number} group
 * @param {string} name
 * @returns {Promise<number>} nanoseconds an operation
 */
function measureApart(url, group, name) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [fileURLToPath(url), String(group), name], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Deprecation notices are not what anybody runs this for.
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    });
    let [output, errors] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => { output += text; });
    child.stderr.setEncoding('utf8').on('data', (text) => { errors += text; });
    child.once('error', reject);
    child.once('close', (code) => {
      const figure = Number(output);
      if (code === 0 && figure > 0) resolve(figure);
      else reject(new Error(`${name} exited with ${code} and ${JSON.stringify(output)}\n${errors}`));
    });
  });
}

/**
 * @param {string} title
 * @param {Map<string, number[]>} figures
 */
function printTable(title, figures) {
  const [baseline = 0] = [...figures.values()].map(median);
  process.stdout.write(`\n| ${title} | median of ${rounds} | fastest to slowest | ratio |\n|---|--:|--:|--:|\n`);
  for (const [name, values] of figures) {
    const sorted = values.toSorted((a, b) => a - b);
    const range = `${duration(sorted[0] ?? 0)} to ${duration(sorted.at(-1) ?? 0)}`;
    const ratio = (median(values) / baseline).toFixed(2);
    process.stdout.write(`| ${name} | ${duration(median(values))} | ${range} | ${ratio} |\n`);
  }
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** @param {number} nanoseconds */
function duration(nanoseconds) {
  if (nanoseconds >= 1e6) return `${(nanoseconds / 1e6).toFixed(2)} ms`;
  return nanoseconds >= 1e3 ? `${(nanoseconds / 1e3).toFixed(1)} µs` : `${nanoseconds.toFixed(1)} ns`;
}
