// Runs the target for `attachConfig` until its time is over: first the corpus, then what it makes up. Told by its
// environment, as a fuzzing program: FUZZ_DIRECTORY, FUZZ_SECONDS, FUZZ_SEED. Prints what it did as JSON.
import { readdirSync, readFileSync } from 'node:fs';
import { leavesDirectory, makeUp, prepare, seeded } from './handles.mjs';

const { FUZZ_DIRECTORY, FUZZ_SECONDS = '10', FUZZ_SEED = '1', XDG_RUNTIME_DIR } = process.env;
const corpus = new URL('corpus/handle/', import.meta.url);
const inputs = readdirSync(corpus).map((name) => JSON.parse(readFileSync(new URL(name, corpus), 'utf8')));
const random = seeded(Number(FUZZ_SEED));
const { check, end } = prepare(FUZZ_DIRECTORY);
const outcomes = {};
let executions = 0;
const until = Date.now() + Number(FUZZ_SECONDS) * 1000;
while (Date.now() < until) {
  const input = inputs[executions] ?? makeUp(random);
  executions += 1;
  if (XDG_RUNTIME_DIR === undefined && leavesDirectory(input)) continue;
  try {
    const outcome = check(input);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  } catch (error) {
    process.stderr.write(`${JSON.stringify(input)}\n`);
    throw error;
  }
  // Stores close on their own threads, and buffers go with the garbage collector: both need a turn now and then.
  if (executions % 256 === 0) await new Promise((resolve) => setImmediate(resolve));
}
await end();
process.stdout.write(`${JSON.stringify({ executions, outcomes })}\n`);
