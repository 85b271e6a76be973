// @ts-check
// Runs inside a worker: executes the cases of one spec file and reports each result. Works
// under node:worker_threads and, in Bun, as a web Worker.
import { inspect } from 'node:util';
import { parentPort } from 'node:worker_threads';
import { runCase } from './context.mjs';

/**
 * @typedef {{ type: 'started', name: string } | { type: 'passed', name: string } | { type: 'failed', name: string, error: string }} Report
 */

/** @param {Report} report */
const report = (report) => (parentPort ?? /** @type {any} */ (globalThis)).postMessage(report);

const specUrl = process.env['SPEC_WORKER_URL'];
if (!specUrl) throw new Error('SPEC_WORKER_URL is not set');
/** @type {{ default: import('./suite.mjs').Suite }} */
const { default: suite } = await import(specUrl);

for (const name of Object.keys(suite.cases)) {
  report({ type: 'started', name });
  try {
    await runCase(suite, name);
    report({ type: 'passed', name });
  } catch (error) {
    // As text: a structured clone would drop what assertion errors say.
    report({ type: 'failed', name, error: inspect(error) });
  }
}
