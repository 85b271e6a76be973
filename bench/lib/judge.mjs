// @ts-check
// Figures that goals are about, from the rows of a table.
import { median } from './figures.mjs';

/**
 * @typedef {import('./report.mjs').Row} Row
 * @typedef {(rows: Row[]) => { goal: import('../goals.mjs').GoalId, figure: number }} Judgement
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
export const ratio = (goal, name, baseline) => (rows) => ({ goal, figure: medianOf(rows, name) / medianOf(rows, baseline) });

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
 * @param {Row[]} rows
 * @param {string} name
 */
function medianOf(rows, name) {
  const row = rows.find((candidate) => candidate.name === name);
  if (!row) throw new Error(`No row ${name}`);
  return median(row.values);
}
