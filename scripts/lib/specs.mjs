// @ts-check
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { inRoot } from './paths.mjs';
import { describeExit, run } from './process.mjs';

/**
 * @typedef {import('./runtimes.mjs').Runtime} Runtime
 * @typedef {import('../../__test__/harness/trace.mjs').TraceEvent} TraceEvent
 * @typedef {'main' | 'worker' | 'web-worker'} Mode where a spec's cases run: see specs.test.mjs
 *
 * @typedef {object} Outcome
 * @property {number} passed
 * @property {number} failed
 * @property {string} output of what failed
 */

/** Beyond a case's own limit, for a case that blocks its thread or a worker that has to be terminated. */
const graceMs = 20_000;
/** From the last case to the end of the process. */
const exitMs = 30_000;
/** From the start to the first case. */
const startMs = 60_000;

/** @returns {string[]} */
export function specFiles() {
  const directory = inRoot('__test__');
  const names = readdirSync(directory).filter((name) => name.endsWith('.spec.mjs'));
  return names.toSorted().map((name) => join(directory, name));
}

/**
 * @param {Runtime} runtime
 * @returns {Mode[]}
 */
export function modesOf(runtime) {
  return runtime.name === 'bun' ? ['main', 'worker', 'web-worker'] : ['main', 'worker'];
}

/**
 * The modes that are run unless the caller asks for others: of the Nodes, the newest alone runs workers, and Bun its web
 * workers, which its worker_threads are made of; the specs of the main thread start both.
 *
 * @param {Runtime} runtime
 * @param {readonly Runtime[]} runtimes the oldest Node first
 * @returns {Mode[]}
 */
export function defaultModesOf(runtime, runtimes) {
  if (runtime.name === 'bun') return ['main', 'web-worker'];
  const newest = runtimes.findLast(({ name }) => name === 'node');
  return runtime === newest ? modesOf(runtime) : ['main'];
}

/**
 * The files that are run unless the caller asks for a runtime: on a Node between the oldest and the newest without those whose
 * cases start programs, which take as long as all the rest.
 *
 * @param {readonly string[]} files
 * @param {Runtime} runtime
 * @param {readonly Runtime[]} runtimes the oldest Node first
 */
export function defaultFilesOf(files, runtime, runtimes) {
  const nodes = runtimes.filter(({ name }) => name === 'node');
  const isBetween = nodes.slice(1, -1).includes(runtime);
  return isBetween ? files.filter((file) => !isOfMain(file)) : files;
}

/**
 * Whether a spec file runs in this mode. One that is called `….main.spec.mjs` runs on the main thread only: its cases
 * start programs, which are the same wherever they are started from.
 *
 * @param {string} file
 * @param {Mode} mode
 */
export function runsIn(file, mode) {
  return mode === 'main' || !isOfMain(file);
}

/** @param {string} file */
function isOfMain(file) {
  return file.endsWith('.main.spec.mjs');
}

/**
 * Runs spec files one after the other, each in a process of its own: a crash takes only its
 * own file's cases with it, and nothing one file leaves behind can help another.
 *
 * @param {readonly string[]} files
 * @param {Runtime} runtime
 * @param {Mode} mode
 * @returns {Promise<Outcome>}
 */
export async function runSpecs(files, runtime, mode) {
  const total = { passed: 0, failed: 0, output: '' };
  for (const file of files) {
    const { passed, failed, output } = await runSpec(file, runtime, mode);
    total.passed += passed;
    total.failed += failed;
    if (failed > 0) total.output += `--- ${basename(file)} on ${runtime.id}, ${mode}\n${output.trimEnd()}\n\n`;
  }
  return total;
}

/**
 * Runs one spec file. A case passed if the trace says so, and every other declared case failed.
 *
 * @param {string} file
 * @param {Runtime} runtime
 * @param {Mode} mode
 * @param {NodeJS.ProcessEnv} [env] added to ours
 * @returns {Promise<Outcome>}
 */
export async function runSpec(file, runtime, mode, env = {}) {
  const directory = mkdtempSync(join(tmpdir(), '13byte-config-run-'));
  try {
    const traceFile = join(directory, 'trace.jsonl');
    const watch = watchTrace(traceFile);
    const result = await run(runtime.path, runnerArguments(runtime), {
      env: {
        SPEC_FILE: file,
        SPEC_MODE: mode,
        SPEC_TRACE: traceFile,
        // Neither our own caller's settings nor colour codes should reach the specs.
        NODE_ENV: undefined,
        NODE_OPTIONS: undefined,
        NODE_TEST_CONTEXT: undefined,
        FORCE_COLOR: undefined,
        NO_COLOR: '1',
        ...env,
      },
      signal: watch.signal,
    });
    watch.stop();
    return judge(result, watch.stuck(), readTrace(traceFile));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @param {Runtime} runtime */
function runnerArguments(runtime) {
  const test = inRoot('__test__', 'harness', 'specs.test.mjs');
  return runtime.name === 'bun' ? ['test', test] : ['--test-reporter=spec', test];
}

/**
 * @param {import('./process.mjs').RunResult} result
 * @param {string | undefined} stuck
 * @param {TraceEvent[]} events
 * @returns {Outcome}
 */
function judge(result, stuck, events) {
  /** @type {Map<string, string>} */
  const states = new Map();
  const problems = stuck ? [stuck] : [];
  for (const event of events) {
    if (event.type === 'declared') for (const name of event.names) states.set(name, 'did not start');
    else if (event.type === 'started') states.set(event.name, 'did not end');
    else if (event.type === 'passed' || event.type === 'failed') states.set(event.name, event.type);
    else if (event.type === 'problem') problems.push(event.message);
  }
  if (states.size === 0) problems.push('No case was declared');
  if (events.at(-1)?.type !== 'ended') problems.push(`The process ${describeExit(result)} before the end of its cases`);

  const notPassed = [...states].filter(([, state]) => state !== 'passed');
  // Outside the cases: the file does not load, a hook fails, a thread crashes at the end.
  if (notPassed.length === 0 && !result.ok) problems.push(`Every case passed, but the process ${describeExit(result)}`);
  return {
    passed: states.size - notPassed.length,
    failed: Math.max(notPassed.length, problems.length > 0 ? 1 : 0),
    output: [result.output.trimEnd(), ...notPassed.map(([name, state]) => `${name}: ${state}`), ...problems].join('\n'),
  };
}

/**
 * Watches a test process through its trace and aborts it when it is stuck: a runner cannot
 * interrupt a case that blocks its own thread, nor a process that does not exit.
 *
 * @param {string} traceFile
 */
function watchTrace(traceFile) {
  const abort = new AbortController();
  const startedAt = Date.now();
  /** @type {string | undefined} */
  let problem;
  const timer = setInterval(() => {
    problem = findStuck(readTrace(traceFile), startedAt, Date.now());
    if (problem) abort.abort();
  }, 1000);
  return {
    signal: abort.signal,
    stop: () => clearInterval(timer),
    stuck: () => problem,
  };
}

/**
 * @param {TraceEvent[]} events
 * @param {number} startedAt
 * @param {number} now
 */
function findStuck(events, startedAt, now) {
  const last = events.at(-1);
  if (last?.type === 'ended') {
    return now - last.at > exitMs ? 'The process did not exit after its last case and was killed' : undefined;
  }
  if (last?.type === 'started') {
    const limit = last.timeoutMs + graceMs;
    return now - last.at > limit ? `Stuck in "${last.name}", so the process was killed` : undefined;
  }
  return now - startedAt > startMs ? 'No case started in time, so the process was killed' : undefined;
}

/**
 * @param {string} file
 * @returns {TraceEvent[]}
 */
function readTrace(file) {
  if (!existsSync(file)) return [];
  // The last line may be half-written.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}
