// @ts-check
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

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
/** @param {string} text */
const green = (text) => (colour ? `\x1b[32m${text}\x1b[39m` : text);
/** @param {string} text */
const red = (text) => (colour ? `\x1b[31m${text}\x1b[39m` : text);
/** @param {string} text */
const bold = (text) => (colour ? `\x1b[1m${text}\x1b[22m` : text);

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
    const verdict = result.failed === 0 ? green('ok') : red('FAILED');
    process.stdout.write(`${verdict}  ${counts(result)}, ${duration(result.ms)}\n`);
    if (result.failed > 0) process.stdout.write(`\n${indent(result.output.trim())}\n\n`);
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
 * The set-up as a failed stage, so that the summary says why nothing ran.
 *
 * @param {unknown} error
 * @returns {Result}
 */
export function failedSetUp(error) {
  const output = error instanceof Error ? error.message : String(error);
  process.stdout.write(`\n${indent(output.trim())}\n`);
  return { name: 'Set-up', where: '', passed: 0, failed: 1, output, ms: 0 };
}

/**
 * Prints what ran where. The last line holds the totals alone, for programs to read.
 *
 * @param {Result[]} results
 * @param {readonly string[]} missing runtimes that do not exist for this platform
 */
export function printSummary(results, missing) {
  const rows = results.map(({ name, where, passed, failed, ms }) =>
    [name, where, String(passed), String(failed), duration(ms)]);
  process.stdout.write(`\n${table(['What', 'Where', 'Passed', 'Failed', 'Time'], rows)}\n`);
  if (missing.length > 0) process.stdout.write(red(`NOT TESTED on this platform: ${missing.join(', ')}\n\n`));
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

/** @param {string} text */
const indent = (text) => text.replace(/^(?=.)/gm, '    ');

/**
 * Columns of numbers and times are aligned to the right.
 *
 * @param {string[]} head
 * @param {string[][]} rows
 */
function table(head, rows) {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  /** @param {string[]} row */
  const line = (row) => row
    .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
    .join('  ')
    .trimEnd();
  return [bold(line(head)), ...rows.map((row) => (row[3] === '0' ? line(row) : red(line(row)))), ''].join('\n');
}
