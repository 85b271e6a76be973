// @ts-check
// Proves that the harness reports what goes wrong, since every other test relies on it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { allRuntimes } from '../../../scripts/lib/runtimes.mjs';
import { modesOf, runSpec } from '../../../scripts/lib/specs.mjs';

const spec = fileURLToPath(new URL('faults.mjs', import.meta.url));

/** @typedef {readonly [least: number, most: number]} Range of the file's three cases */
/** @type {Range} */
const none = [0, 0];
/** @type {Range} */
const one = [1, 1];
/** @type {Range} the fault takes its thread with it, and so the cases that had not reported */
const some = [1, 3];
/** @type {Range} the fault takes the process with it */
const all = [3, 3];

/**
 * How many failures each fault gives on a main thread and in a worker. Two are not tried on
 * main threads: there they cost the gate's whole patience, and `bun test` ends its process
 * without waiting for open handles.
 *
 * @type {Record<string, { main?: Range, worker: Range }>}
 */
const expected = {
  'none': { main: none, worker: none },
  'failed assertion': { main: one, worker: one },
  'rejection': { main: one, worker: one },
  'floating rejection': { main: one, worker: some },
  'uncaught exception': { main: one, worker: some },
  'failed cleanup': { main: one, worker: one },
  'child that dies': { main: one, worker: one },
  'hang': { main: one, worker: one },
  'endless loop': { worker: some },
  'handle left open': { worker: one },
  'clean exit': { main: all, worker: some },
  'crash': { main: all, worker: all },
};

const { runtimes } = await allRuntimes();

for (const runtime of runtimes) {
  for (const mode of modesOf(runtime)) {
    describe(`${runtime.id}, ${mode}`, { concurrency: 2 }, () => {
      for (const [fault, ranges] of Object.entries(expected)) {
        const range = mode === 'main' ? ranges.main : ranges.worker;
        if (range) test(fault, () => expectFailures(fault, range, runtime, mode));
      }
    });
  }
}

/**
 * @param {string} fault
 * @param {Range} range
 * @param {import('../../../scripts/lib/runtimes.mjs').Runtime} runtime
 * @param {import('../../../scripts/lib/specs.mjs').Mode} mode
 */
async function expectFailures(fault, [least, most], runtime, mode) {
  const { passed, failed, output } = await runSpec(spec, runtime, mode, { FAULT: fault });
  assert(failed >= least && failed <= most, `${failed} failed, not ${least} to ${most}\n${output}`);
  assert(passed <= 3 && passed >= 3 - failed, `${passed} passed\n${output}`);
}
