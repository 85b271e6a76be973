// @ts-check
import Table from 'cli-table3';
import colours from 'picocolors';
import { duration } from './progress.mjs';

/**
 * @typedef {object} Result
 * @property {string} name
 * @property {string} where
 * @property {number} passed
 * @property {number} failed
 * @property {string} output
 * @property {number} ms
 */

/**
 * Runs the stages one after the other and prints each result as it comes.
 *
 * @param {import('./stages.mjs').Stage[]} stages
 * @returns {Promise<Result[]>}
 */
export async function runStages(stages) {
  const results = [];
  for (const stage of stages) {
    process.stdout.write(`${stage.name.padEnd(18)}${stage.where.padEnd(26)}`);
    const result = await runStage(stage);
    const verdict = result.failed === 0 ? colours.green('ok') : colours.red('FAILED');
    process.stdout.write(`${verdict}  ${counts(result)}, ${duration(result.ms)}\n`);
    if (result.failed > 0) process.stdout.write(`\n${result.output.trim().replace(/^(?=.)/gm, '    ')}\n\n`);
    results.push(result);
  }
  return results;
}

/**
 * @param {import('./stages.mjs').Stage} stage
 * @returns {Promise<Result>}
 */
async function runStage(stage) {
  const start = performance.now();
  /** @type {import('./specs.mjs').Outcome} */
  let outcome;
  try {
    outcome = await stage.run();
  } catch (error) {
    outcome = { passed: 0, failed: 1, output: /** @type {Error} */ (error).stack ?? String(error) };
  }
  if (outcome.passed + outcome.failed === 0) {
    outcome = { passed: 0, failed: 1, output: `${outcome.output}\nNo test ran, which counts as a failure.` };
  }
  return { name: stage.name, where: stage.where, ...outcome, ms: performance.now() - start };
}

/**
 * Prints what ran where. The last line holds the totals alone, for programs to read.
 *
 * @param {Result[]} results
 * @param {readonly string[]} missing runtimes that do not exist for this platform
 */
export function printSummary(results, missing) {
  const table = new Table({
    head: ['What', 'Where', 'Passed', 'Failed', 'Time'],
    colAligns: ['left', 'left', 'right', 'right', 'right'],
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    style: { head: [], border: [] },
  });
  for (const { name, where, passed, failed, ms } of results) {
    const cells = [name, where, String(passed), String(failed), duration(ms)];
    table.push(failed === 0 ? cells : cells.map((cell) => colours.red(cell)));
  }
  process.stdout.write(`\n${table}\n\n`);
  if (missing.length > 0) process.stdout.write(colours.red(`NOT TESTED on this platform: ${missing.join(', ')}\n\n`));
  process.stdout.write(`${counts(totals(results))}\n`);
}

/** @param {Result[]} results */
export function totals(results) {
  return {
    passed: results.reduce((sum, { passed }) => sum + passed, 0),
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
  };
}

/** @param {{ passed: number, failed: number }} result */
const counts = ({ passed, failed }) => `${passed} passed, ${failed} failed`;
