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
/** @type {Range} the fault takes the process with it, after the case before it has passed */
const rest = [2, 2];
/** @type {Range} the same, and the worker's report of that case may be lost */
const most = [2, 3];

/**
 * How many failures each fault gives on a main thread and in a worker, and what has to be in the output besides the
 * name of the case. Two are not tried on main threads: there they cost the gate's whole patience, and `bun test` ends its
 * process without waiting for open handles.
 *
 * @type {Record<string, { main?: Range, worker: Range, says?: RegExp }>}
 */
const expected = {
  'none': { main: none, worker: none },
  'failed assertion': { main: one, worker: one, says: /a: 2/ },
  'rejection': { main: one, worker: one, says: /TypeError: boom/ },
  'floating rejection': { main: one, worker: some, says: /floating/ },
  'uncaught exception': { main: one, worker: some, says: /late/ },
  'failed cleanup': { main: one, worker: one, says: /cleanup/ },
  'child that dies': { main: one, worker: one, says: /exit code 3/ },
  'hang': { main: one, worker: one, says: /took longer than 1000 ms/ },
  'endless loop': { worker: some, says: /blocked its worker/ },
  'handle left open': { worker: one, says: /stayed alive/ },
  'clean exit': { main: rest, worker: some, says: /did not end/ },
  'crash': { main: rest, worker: most, says: /killed by SIG/ },
};

const { runtimes } = await allRuntimes();

for (const runtime of runtimes) {
  for (const mode of modesOf(runtime)) {
    describe(`${runtime.id}, ${mode}`, { concurrency: 2 }, () => {
      for (const [fault, { main, worker, says }] of Object.entries(expected)) {
        const range = mode === 'main' ? main : worker;
        if (range) test(fault, () => expectFailures(fault, range, says, runtime, mode));
      }
    });
  }
}

/**
 * @param {string} fault
 * @param {Range} range
 * @param {RegExp | undefined} says
 * @param {import('../../../scripts/lib/runtimes.mjs').Runtime} runtime
 * @param {import('../../../scripts/lib/specs.mjs').Mode} mode
 */
async function expectFailures(fault, [fewest, highest], says, runtime, mode) {
  const { passed, failed, output } = await runSpec(spec, runtime, mode, { FAULT: fault });
  assert(failed >= fewest && failed <= highest, `${failed} failed, not ${fewest} to ${highest}\n${output}`);
  assert(passed <= 3 && passed >= 3 - failed, `${passed} passed\n${output}`);
  if (says) {
    assert.match(output, says);
    assert(output.includes(fault), `The output does not name the case\n${output}`);
  }
}
