// @ts-check
// Registers the cases of the spec files with node:test, which Node and `bun test` both run.
//
//   SPEC_FILE   the spec file to run; all of them by default
//   SPEC_MODE   main (default): here; worker: in a node:worker_threads Worker;
//               web-worker: in Bun's web Worker
import { readdirSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { runCase } from './context.mjs';
import { trace } from './trace.mjs';
import { runInWorker } from './worker-host.mjs';

// `bun test` sets it to 'test'; specs start from the same environment everywhere.
delete process.env.NODE_ENV;

const mode = process.env.SPEC_MODE ?? 'main';
const specUrls = process.env.SPEC_FILE ? [pathToFileURL(process.env.SPEC_FILE).href] : allSpecUrls();

for (const specUrl of specUrls) {
  /** @type {{ default: import('./suite.mjs').Suite }} */
  const { default: suite } = await import(specUrl);
  register(suite, specUrl);
}

/**
 * @param {import('./suite.mjs').Suite} suite
 * @param {string} specUrl
 */
function register(suite, specUrl) {
  const names = Object.keys(suite.cases);
  trace({ type: 'declared', names });
  const { outcome, end } = executor(suite, specUrl);
  // A case may wait for all those before it in the worker; the limits that count are ours.
  const timeout = (names.length + 1) * (suite.options.timeoutMs + 30_000);
  describe(suite.name, () => {
    for (const name of names) test(name, { timeout }, () => outcome(name));
    after(() => finish(end));
  });
}

/**
 * Not every runner makes a failing hook fail the run, so the trace says it too.
 *
 * @param {() => Promise<void>} end
 */
async function finish(end) {
  try {
    await end();
  } catch (error) {
    trace({ type: 'problem', message: String(error) });
    process.exitCode = 1;
    throw error;
  } finally {
    trace({ type: 'ended', at: Date.now() });
  }
}

/**
 * Who runs the cases.
 *
 * @param {import('./suite.mjs').Suite} suite
 * @param {string} specUrl
 */
function executor(suite, specUrl) {
  if (mode === 'worker' || mode === 'web-worker') return runInWorker(suite, specUrl, mode);
  if (mode !== 'main') throw new Error(`SPEC_MODE is ${mode}, not main, worker or web-worker`);
  return {
    /** @param {string} name */
    async outcome(name) {
      trace({ type: 'started', name, timeoutMs: suite.options.timeoutMs, at: Date.now() });
      try {
        await runCase(suite, name);
        trace({ type: 'passed', name });
      } catch (error) {
        trace({ type: 'failed', name });
        throw error;
      }
    },
    async end() {},
  };
}

function allSpecUrls() {
  const directory = new URL('../', import.meta.url);
  const files = readdirSync(directory).filter((file) => file.endsWith('.spec.mjs'));
  return files.toSorted().map((file) => new URL(file, directory).href);
}
