// @ts-check
// Builds the fuzz targets, runs each for a bounded time, and says how many inputs it ran. Needs a nightly toolchain and
// cargo-fuzz (`cargo install cargo-fuzz`); the target `handle` needs neither.
//
//   npm run fuzz                                  each for a minute
//   npm run fuzz -- --seconds 600 --target handle,record
//
// What is found stays in fuzz/artifacts: mend it, and move the input to fuzz/corpus, which `npm test` runs through.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { run } from './lib/process.mjs';
import { runMain, UsageError } from './lib/progress.mjs';

const RUST_TARGETS = ['record', 'live-file', 'database'];
const TARGETS = [...RUST_TARGETS, 'handle'];

await runMain(async () => {
  const { values } = parseArgs({ options: { target: { type: 'string' }, seconds: { type: 'string', default: '60' } } });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1)
    throw new UsageError(`--seconds ${values.seconds} is not a whole number from 1 up`);
  const targets = values.target?.split(',') ?? TARGETS;
  for (const target of targets) {
    if (!TARGETS.includes(target)) throw new UsageError(`There is no target "${target}", only ${TARGETS.join(', ')}`);
  }
  let failed = 0;
  for (const target of targets) {
    const result = await (target === 'handle' ? fuzzHandles(seconds) : fuzzRust(target, seconds));
    process.stdout.write(
      `${target}: ${result.executions?.toLocaleString('en') ?? 'no'} executions in ${seconds}s, ${result.ok ? 'nothing found' : 'FAILED'}\n`,
    );
    if (!result.ok) {
      process.stdout.write(result.output);
      failed += 1;
    }
  }
  return failed === 0 ? 0 : 1;
});

/**
 * @param {string} target
 * @param {number} seconds
 */
async function fuzzRust(target, seconds) {
  // What it learns is kept for the next time, beside what is committed.
  const learnt = inRoot('target', 'fuzz-corpus', target);
  mkdirSync(learnt, { recursive: true });
  const { ok, output } = await run(
    'cargo',
    [
      '+nightly',
      'fuzz',
      'run',
      '--fuzz-dir',
      inRoot('fuzz'),
      '--target-dir',
      inRoot('target', 'fuzz'),
      target,
      learnt,
      inRoot('fuzz', 'corpus', target),
      // The store's threads outlive an input, which looks like a leak.
      '--',
      `-max_total_time=${seconds}`,
      '-max_len=4096',
      '-detect_leaks=0',
      '-timeout=25',
      '-print_final_stats=1',
    ],
    { timeoutMs: (seconds + 900) * 1000, env: { ASAN_OPTIONS: 'detect_stack_use_after_return=0' } },
  );
  const executions = /^stat::number_of_executed_units: +(\d+)$/m.exec(output)?.[1];
  return {
    ok: ok && executions !== undefined,
    executions: executions === undefined ? undefined : Number(executions),
    output,
  };
}

/** @param {number} seconds */
async function fuzzHandles(seconds) {
  await ensureInstalled(root, 'development dependencies');
  await ensureBuilt();
  const directory = mkdtempSync(join(tmpdir(), '13byte-config-fuzz-'));
  try {
    const files = join(directory, 'files');
    const runtime = join(directory, 'runtime');
    for (const path of [files, runtime]) mkdirSync(path, { mode: 0o700 });
    const { ok, output } = await run(process.execPath, [inRoot('fuzz', 'run-handles.mjs')], {
      timeoutMs: (seconds + 60) * 1000,
      env: {
        FUZZ_DIRECTORY: files,
        XDG_RUNTIME_DIR: runtime,
        FUZZ_SECONDS: String(seconds),
        FUZZ_SEED: String(Date.now() % 2 ** 32),
      },
    });
    const executions = /"executions":(\d+)/.exec(output)?.[1];
    return {
      ok: ok && executions !== undefined,
      executions: executions === undefined ? undefined : Number(executions),
      output,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}
