// @ts-check
// What a benchmark found. The runner reads it as JSON; whoever runs a benchmark by hand reads tables.
import { goalLine } from '../goals.mjs';
import { median, show } from './figures.mjs';
import { isBun } from './settings.mjs';

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {number[]} values one of each round
 * @property {number[]} [p99] where the values are medians of many
 *
 * @typedef {object} Table
 * @property {string} title
 * @property {import('./figures.mjs').Unit} unit
 * @property {'ratio' | 'over' | 'nothing'} [compared] with the first row: how many times, or how much more; default `ratio`
 * @property {[middle: string, spread: string]} [columns] what the figures of a row are, when not medians of rounds and their extremes
 * @property {Row[]} rows
 * @property {import('./judge.mjs').Judged[]} goals
 * @property {string[]} [notes]
 */

/** @param {Table[]} tables */
export function report(tables) {
  const text =
    process.env.BENCH_JSON === '1'
      ? JSON.stringify(tables)
      : tables.map((table) => toMarkdown(table, isBun)).join('\n\n');
  process.stdout.write(`${text}\n`);
}

/**
 * @param {Table} table
 * @param {boolean} onBun
 * @returns {string} the table, and below it which goals it meets
 */
export function toMarkdown({ title, unit, compared = 'ratio', columns, rows, goals, notes = [] }, onBun) {
  const [baseline] = rows;
  const base = median(baseline?.values ?? []);
  const withP99 = rows.some(({ p99 }) => p99 !== undefined);
  const head = [
    title,
    ...(columns ?? [
      `${withP99 ? 'p50, ' : ''}median of ${baseline?.values.length}`,
      unit === 'ns' ? 'fastest to slowest' : 'lowest to highest',
    ]),
    ...(withP99 ? ['p99'] : []),
    ...{ ratio: ['ratio'], over: ['more than the first'], nothing: [] }[compared],
  ];
  const lines = rows.map(({ name, values, p99 }) => {
    const middle = median(values);
    const difference = { ratio: [(middle / base).toFixed(2)], over: [show(middle - base, unit)], nothing: [] }[
      compared
    ];
    const spread = `${show(Math.min(...values), unit)} to ${show(Math.max(...values), unit)}`;
    return [name, show(middle, unit), spread, ...(withP99 ? [p99 ? show(median(p99), unit) : ''] : []), ...difference];
  });
  const cells = [head, ['---', ...head.slice(1).map(() => '--:')], ...lines];
  const judged = goals.map(({ goal, figure, unjudged }) => `- ${goalLine(goal, figure, onBun, unjudged)}`);
  return [
    cells
      .map((row) => `| ${row.join(' | ')} |`)
      .join('\n')
      .replace('| --- |', '|---|')
      .replaceAll(' --: ', '--:'),
    ...(judged.length > 0 ? [judged.join('\n')] : []),
    ...notes,
  ].join('\n\n');
}
