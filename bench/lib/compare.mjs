// @ts-check
// Measures contestants against the first one of their group. Each runs in processes of its own, so that none is
// measured with code that another one has shaped. Rounds go through all contestants in turn, so that a machine that
// becomes slower half-way does so for everyone.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { do_not_optimize, measure } from 'mitata';
import { report } from './report.mjs';
import { isShort, rounds } from './settings.mjs';

/**
 * @typedef {object} Subject what is measured
 * @property {number} operations that one call of `run` makes
 * @property {() => unknown} run returns something that depends on what it did, or a promise of it
 * @property {unknown} expected what `run` returns, which is checked before anything is timed
 *
 * @typedef {() => Subject | Promise<Subject>} SetUp makes a contestant ready and checks that its answers are right
 *
 * @typedef {import('./report.mjs').Table} Table
 *
 * @typedef {object} Group contestants for the same job, the baseline first
 * @property {string} title
 * @property {Record<string, SetUp>} contestants
 * @property {import('./judge.mjs').Judgement[]} [goals]
 * @property {string[]} [notes] below the table
 */

// A sample of 64 runs is a tenth of a millisecond and more, which every clock can tell.
const FULL = { batch_samples: 64 };
const SHORT = { batch_samples: 4, min_samples: 2, min_cpu_time: 1e6, warmup_samples: 1 };
// Without a collector that a flag exposes, mitata would allocate a gigabyte to provoke one.
const options = { gc: false, ...(isShort ? SHORT : FULL) };

/**
 * Reports a table for each group; in the process of a contestant, measures that one.
 *
 * @param {string} url of the calling module
 * @param {Group[]} groups
 */
export async function compare(url, groups) {
  const [group, contestant] = process.argv.slice(2);
  if (group !== undefined && contestant !== undefined) return measureHere(groups[Number(group)], contestant);
  /** @type {Table[]} */
  const tables = [];
  for (const [index, { title, contestants, goals = [], notes = [] }] of groups.entries()) {
    const rows = Object.keys(contestants).map((name) => ({ name, values: /** @type {number[]} */ ([]) }));
    for (let round = 0; round < rounds; round += 1) {
      for (const { name, values } of rows) values.push(await measureApart(url, index, name));
    }
    tables.push({ title, unit: 'ns', rows, goals: goals.map((judge) => judge(rows)), notes });
  }
  report(tables);
}

/**
 * @param {Group | undefined} group
 * @param {string} name
 */
async function measureHere(group, name) {
  const setUp = group?.contestants[name];
  if (!setUp) throw new Error(`No contestant ${name}`);
  const { operations, run, expected } = await setUp();
  assert.deepEqual(await run(), expected, `${name} did not do what it should`);
  const { p50 } = await measure(
    isAsync(run) ? async () => do_not_optimize(await run()) : () => do_not_optimize(run()),
    { ...options },
  );
  // Some peers keep timers or threads, which would hold the exit.
  process.stdout.write(`${p50 / operations}\n`, () => process.exit());
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
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      const figure = Number(output);
      if (code === 0 && figure > 0) resolve(figure);
      else reject(new Error(`${name} exited with ${code} and ${JSON.stringify(output)}\n${errors}`));
    });
  });
}
