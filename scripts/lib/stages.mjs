// @ts-check
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { benchmarks, benchRuntimes, goalsNotJudged, runBenchmark } from './bench.mjs';
import { quotesMissing, resultsProblem } from './bench-results.mjs';
import {
  errorCodesProblem,
  esmExportsProblem,
  packedFilesProblem,
  platformPackagesProblem,
  supplyChainProblem,
} from './consistency.mjs';
import { checkTarget } from './cross/commands.mjs';
import { checkedInGate, selectTargets } from './cross/targets.mjs';
import { isSetUp } from './cross/toolchain.mjs';
import { generatedTypes, layoutConstants, staleness } from './generated.mjs';
import { npmRun } from './npm.mjs';
import { inRoot } from './paths.mjs';
import { describeExit, run } from './process.mjs';
import { defaultFilesOf, defaultModesOf, modesOf, runsIn, runSpecs, specFiles } from './specs.mjs';

/**
 * @typedef {import('./runtimes.mjs').Runtime} Runtime
 * @typedef {import('./specs.mjs').Outcome} Outcome
 *
 * @typedef {object} Stage
 * @property {string} id what `--only` selects it by
 * @property {string} name
 * @property {string} where it runs
 * @property {() => Promise<Outcome>} run
 *
 * @typedef {object} Selection what a developer asked for; undefined is everything
 * @property {string[]} [only]
 * @property {string[]} [runtime]
 * @property {string[]} [mode]
 * @property {string} [spec] part of a spec file's name
 */

/** In the order in which they run: what fails fast comes first. */
export const stageIds = /** @type {const} */ ([
  'format',
  'modules',
  'clippy',
  'cross',
  'lint',
  'types',
  'generated',
  'rust',
  'harness',
  'specs',
  'package',
  'bench',
]);

const minutes = 60_000;

/**
 * @param {Selection} selection
 * @param {readonly Runtime[]} runtimes
 * @returns {Stage[]}
 */
export function stages(selection, runtimes) {
  return stageIds.filter((id) => isSelected(id, selection.only)).flatMap((id) => makers[id](selection, runtimes));
}

/**
 * @param {string} id
 * @param {readonly string[] | undefined} selected
 */
function isSelected(id, selected) {
  return selected === undefined || selected.includes(id);
}

/** @type {Record<(typeof stageIds)[number], (selection: Selection, runtimes: readonly Runtime[]) => Stage[]>} */
const makers = {
  format: () => [stage('format', 'Format', 'oxfmt, cargo fmt', script('fmt:check'))],

  modules: () => [stage('modules', 'Order of modules', 'src', script('lint:modules'))],

  clippy: () => [stage('clippy', 'Rust lints', 'addon and core', script('lint:rust'))],

  // The tools have 1.5 GB, so they are downloaded only when that is asked for; the gate does.
  cross: () =>
    isSetUp()
      ? [stage('cross', 'Rust lints', checkedInGate.join(', '), checks(checkedInGate.map((name) => crossCheck(name))))]
      : [],

  lint: () => [stage('lint', 'JavaScript lints', 'oxlint', script('lint:js'))],

  types: () => [stage('types', 'Type check', 'sources, type tests', script('typecheck'))],

  generated: () => [
    stage(
      'generated',
      'Up to date',
      'committed files',
      checks([
        () => staleness(layoutConstants),
        ...generatedTypes.map((file) => () => staleness(file)),
        esmExportsProblem,
        platformPackagesProblem,
        packedFilesProblem,
        errorCodesProblem,
        supplyChainProblem,
        resultsProblem,
      ]),
    ),
  ],

  rust: () => [stage('rust', 'Rust tests', 'cargo test, core', cargoTest)],

  harness: () => [
    stage('harness', 'Spec harness', 'every runtime', () =>
      nodeTest(inRoot('__test__', 'harness', 'selftest', 'selftest.test.mjs')),
    ),
  ],

  specs: ({ spec, mode, runtime }, runtimes) => {
    const files = specFiles().filter((file) => basename(file).includes(spec ?? ''));
    return runtimes
      .filter(({ id }) => isSelected(id, runtime))
      .map((target) => ({ target, all: runtime ? files : defaultFilesOf(files, target, runtimes) }))
      .flatMap(({ target, all }) =>
        (mode ? modesOf(target).filter((id) => mode.includes(id)) : defaultModesOf(target, runtimes))
          .map((id) => ({ id, own: all.filter((file) => runsIn(file, id)) }))
          .filter(({ own }) => own.length > 0)
          .map(({ id, own }) =>
            stage('specs', 'Specs', `${target.name} ${target.version}, ${id}`, () => runSpecs(own, target, id)),
          ),
      );
  },

  package: () => {
    const directory = inRoot('__test__', 'package');
    const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.mjs')) : [];
    return names.toSorted().map((name) => stage('package', 'Package', name, () => nodeTest(join(directory, name))));
  },

  // They need what only Linux has: several processes on one page, Redis.
  bench: ({ runtime }, runtimes) =>
    runtimes
      .filter(({ id }) => process.platform === 'linux' && benchRuntimes.includes(id) && isSelected(id, runtime))
      .map((target) =>
        stage('bench', 'Benchmarks, short', `${target.name} ${target.version}`, () => shortBenchmarks(target)),
      ),
};

/**
 * @param {string} id
 * @param {string} name
 * @param {string} where
 * @param {() => Promise<Outcome>} execute
 * @returns {Stage}
 */
const stage = (id, name, where, execute) => ({ id, name, where, run: execute });

/**
 * A script of package.json as one test.
 *
 * @param {string} name
 */
const script = (name) => oneTest(() => npmRun(name, 30 * minutes));

/**
 * Lints the library for a platform that this machine is not.
 *
 * @param {string} name
 */
const crossCheck = (name) => async () => {
  for (const target of selectTargets([name])) await checkTarget(target);
  return undefined;
};

/** @param {() => Promise<import('./process.mjs').RunResult>} execute */
function oneTest(execute) {
  return async () => {
    const { ok, output } = await execute();
    return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, output };
  };
}

/**
 * Functions that say what is wrong, as one test each.
 *
 * @param {(() => Promise<string | undefined>)[]} functions
 */
function checks(functions) {
  return async () => {
    const problems = [];
    for (const check of functions) {
      const problem = await check().catch((error) => String(error.message));
      if (problem) problems.push(problem);
    }
    return { passed: functions.length - problems.length, failed: problems.length, output: problems.join('\n') };
  };
}

/** Counts come from the line that each test binary ends with. */
async function cargoTest() {
  const result = await npmRun('test:rust', 15 * minutes);
  let [passed, failed] = [0, 0];
  for (const [, ok, bad] of result.output.matchAll(/^test result: .*? (\d+) passed; (\d+) failed;/gm)) {
    passed += Number(ok);
    failed += Number(bad);
  }
  // It did not compile, or a test brought its whole binary down.
  if (failed === 0 && !result.ok) failed = 1;
  return { passed, failed, output: result.output };
}

/**
 * Every benchmark as one test: it runs, its contestants do what they should, and no goal is forgotten. Its figures mean
 * nothing.
 *
 * @param {Runtime} runtime
 * @returns {Promise<Outcome>}
 */
async function shortBenchmarks(runtime) {
  const tables = [];
  const problems = [];
  for (const benchmark of benchmarks) {
    try {
      const measured = await runBenchmark(runtime, benchmark, { short: true });
      tables.push(...measured);
      const missing = quotesMissing(benchmark, measured);
      if (missing.length > 0)
        throw new Error(`${benchmark} has nothing for what the README quotes: ${missing.join(', ')}`);
    } catch (error) {
      problems.push(/** @type {Error} */ (error).message);
    }
  }
  const forgotten = problems.length > 0 ? [] : goalsNotJudged(tables);
  if (forgotten.length > 0) problems.push(`No table judges these goals: ${forgotten.join(', ')}`);
  return { passed: benchmarks.length + 1 - problems.length, failed: problems.length, output: problems.join('\n') };
}

/**
 * A file that registers its own tests with node:test. Counts come from the lines that its report ends with.
 *
 * @param {string} file
 * @returns {Promise<Outcome>}
 */
async function nodeTest(file) {
  const result = await run(process.execPath, ['--test-reporter=spec', file], {
    timeoutMs: 10 * minutes,
    env: { NO_COLOR: '1', FORCE_COLOR: undefined },
  });
  const count = (/** @type {string} */ what) =>
    Number(result.output.match(new RegExp(`^ℹ ${what} (\\d+)$`, 'm'))?.[1] ?? 0);
  const [tests, passed] = [count('tests'), count('pass')];
  // Skipped counts as failed. It ran out of time, crashed, or a hook failed.
  const failed = Math.max(tests - passed, result.ok ? 0 : 1);
  return {
    passed,
    failed,
    output: result.ok ? result.output : `${result.output}\nThe process ${describeExit(result)}`,
  };
}
