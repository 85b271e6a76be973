// @ts-check
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { startChild } from './child.mjs';
import { removeDirectory } from './remove-directory.mjs';

/**
 * @typedef {object} Runtime
 * @property {'bun' | 'node'} name
 * @property {string} version
 * @property {number} major
 * @property {boolean} isWorker
 *
 * @typedef {object} TestContext what a case gets as `t`
 * @property {string} name of the case
 * @property {Runtime} runtime that runs the case
 * @property {AbortSignal} signal aborted when the case is over, also by its timeout
 * @property {() => string} tempDir makes a directory that is removed after the case
 * @property {(cleanup: () => unknown) => void} after runs after the case, last added first
 * @property {(program: string, options?: import('./child.mjs').ChildOptions) => import('./child.mjs').Child} spawn
 *   starts a process of the same runtime; it is killed after the case. `program` is a file in
 *   `__test__/children/`, or the source of an ES module
 */

const bunVersion = process.versions.bun;
const version = bunVersion ?? process.versions.node;

/** @type {Runtime} */
export const runtime = {
  name: bunVersion ? 'bun' : 'node',
  version,
  major: Number.parseInt(version, 10),
  isWorker: !isMainThread,
};

/**
 * Runs one case with its time limit and cleans up after it, whatever it did.
 *
 * @param {import('./suite.mjs').Suite} suite
 * @param {string} name
 */
export async function runCase(suite, name) {
  const { context, end } = createContext(name);
  const run = suite.cases[name];
  if (!run) throw new Error(`There is no case "${name}" in "${suite.name}"`);
  /** @type {unknown[]} */
  const failures = [];
  try {
    await withTimeout(async () => run(context), suite.options.timeoutMs, 'The case');
  } catch (error) {
    failures.push(error);
  }
  failures.push(...(await end()));
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, `"${name}" failed, and so did its cleanup`);
}

/** @param {string} name */
function createContext(name) {
  /** @type {(() => unknown)[]} */
  const cleanups = [];
  const over = new AbortController();

  /** @type {TestContext} */
  const context = {
    name,
    runtime,
    signal: over.signal,
    after: (cleanup) => void cleanups.push(cleanup),
    tempDir() {
      const directory = mkdtempSync(join(tmpdir(), '13byte-config-'));
      context.after(() => removeDirectory(directory));
      return directory;
    },
    spawn(program, options) {
      const child = startChild(program, options);
      context.after(async () => {
        child.kill('SIGKILL');
        await child.exited;
      });
      return child;
    },
  };

  /** Undoes everything in reverse order; one failing cleanup does not keep the others from running. */
  async function end() {
    over.abort();
    const failures = [];
    for (const cleanup of cleanups.toReversed()) {
      try {
        await withTimeout(async () => cleanup(), 10_000, 'Its cleanup');
      } catch (error) {
        failures.push(error);
      }
    }
    return failures;
  }

  return { context, end };
}

/**
 * The timer is ours rather than the runner's so that it works alike on every runtime and in
 * workers. It cannot interrupt a loop that never yields: whoever started the thread or the
 * process does that.
 *
 * @param {() => Promise<unknown>} work
 * @param {number} ms
 * @param {string} what
 */
async function withTimeout(work, ms, what) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const expired = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  });
  try {
    await Promise.race([work(), expired]);
  } finally {
    clearTimeout(timer);
  }
}
