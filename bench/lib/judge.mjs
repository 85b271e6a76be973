// @ts-check
// Figures that goals are about, from the rows of a table.
import { median, show } from './figures.mjs';

/**
 * @typedef {import('./report.mjs').Row} Row
 * @typedef {object} Judged
 * @property {import('../goals.mjs').GoalId} goal
 * @property {number} figure
 * @property {string} [unjudged] why the figure is only printed
 *
 * @typedef {(rows: Row[]) => Judged} Judgement
 * @typedef {import('../goals.mjs').GoalId} GoalId
 */

/**
 * @param {GoalId} goal
 * @param {string} name of a row
 * @returns {Judgement} by its median
 */
export const figure = (goal, name) => (rows) => ({ goal, figure: medianOf(rows, name) });

/**
 * @param {GoalId} goal
 * @param {string} name
 * @param {string} baseline
 * @returns {Judgement} by how many times as long it takes
 */
export const ratio = (goal, name, baseline) => (rows) => ({
  goal,
  figure: medianOf(rows, name) / medianOf(rows, baseline),
});

/**
 * @param {GoalId} goal
 * @param {string} name
 * @param {string[]} others
 * @returns {Judgement} by how many times faster it is than the fastest of the others
 */
export const speedUp = (goal, name, others) => (rows) => {
  const fastest = Math.min(...others.map((other) => medianOf(rows, other)));
  return { goal, figure: fastest / medianOf(rows, name) };
};

/**
 * @param {Judgement} judgement that means something only where another row takes so long
 * @param {string} name of that row
 * @param {number} least nanoseconds that it takes
 * @returns {Judgement} which otherwise only prints its figure
 */
export const where = (judgement, name, least) => (rows) => {
  const takes = medianOf(rows, name);
  const judged = judgement(rows);
  return takes >= least
    ? judged
    : { ...judged, unjudged: `where ${name} takes ${show(takes, 'ns')}, less than ${show(least, 'ns')}` };
};

/**
 * @param {Row[]} rows
 * @param {string} name
 */
function medianOf(rows, name) {
  const row = rows.find((candidate) => candidate.name === name);
  if (!row) throw new Error(`No row ${name}`);
  return median(row.values);
}
