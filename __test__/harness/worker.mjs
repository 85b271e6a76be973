// @ts-check
// Runs inside a worker: executes the cases of one spec file and reports each result. Works
// under node:worker_threads and, in Bun, as a web Worker.
import { inspect } from 'node:util';
import { parentPort } from 'node:worker_threads';
import { runCase } from './context.mjs';

/**
 * @typedef {{ type: 'started', name: string } | { type: 'passed', name: string } | { type: 'failed', name: string, error: string }} Report
 */

/** @type {{ postMessage(report: Report): void }} */
const parent = parentPort ?? /** @type {any} */ (globalThis);

const specUrl = process.env.SPEC_WORKER_URL;
if (!specUrl) throw new Error('SPEC_WORKER_URL is not set');
/** @type {{ default: import('./suite.mjs').Suite }} */
const { default: suite } = await import(specUrl);

for (const name of Object.keys(suite.cases)) {
  parent.postMessage({ type: 'started', name });
  try {
    await runCase(suite, name);
    parent.postMessage({ type: 'passed', name });
  } catch (error) {
    // As text: a structured clone would drop what assertion errors say.
    parent.postMessage({ type: 'failed', name, error: inspect(error) });
  }
}
