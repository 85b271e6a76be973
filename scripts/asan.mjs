// @ts-check
// Runs the tests of the core under AddressSanitizer, SQLite included, and then the specs that use threads with the addon
// under it, on Node 24. For Linux with a nightly toolchain and gcc. Takes about ten minutes the first time.
//
//   npm run asan
import { copyFileSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { addonFile } from './lib/addon.mjs';
import { ensureBuilt, stampFile } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { run } from './lib/process.mjs';
import { runMain } from './lib/progress.mjs';
import { allRuntimes } from './lib/runtimes.mjs';
import { runSpec, specFiles } from './lib/specs.mjs';

/** Those that start threads, terminate them, or hand memory from one to another. */
const SPECS = new Set([
  'cluster-workers',
  'events',
  'handles',
  'history',
  'prune',
  'sharing-threads',
  'update',
  'verify',
]);

const TARGET = 'x86_64-unknown-linux-gnu';

/** The core's tests are threads enough without a check of stacks after return, which makes each start slow. */
const CORE_OPTIONS = 'detect_stack_use_after_return=0';

/** Node keeps memory until it ends, which is no leak; and what is held back after `free` is not to look like one. */
const ADDON_OPTIONS = `${CORE_OPTIONS}:detect_leaks=0:quarantine_size_mb=1`;

const build = {
  CARGO_TARGET_DIR: inRoot('target', 'asan'),
  CFLAGS: '-fsanitize=address',
  RUSTFLAGS: '-Zsanitizer=address -C link-args=-Wl,-z,nodelete',
};

await runMain(async () => {
  let failed = 0;
  const report = (/** @type {string} */ what, /** @type {boolean} */ ok, /** @type {string} */ output) => {
    process.stdout.write(`${what}: ${ok ? 'ok' : `FAILED\n${output}`}\n`);
    if (!ok) failed += 1;
  };

  const core = await run('cargo', ['+nightly', 'test', '--no-default-features', '--target', TARGET], {
    env: { ...build, ASAN_OPTIONS: CORE_OPTIONS },
    timeoutMs: 30 * 60_000,
  });
  const counts = Array.from(core.output.matchAll(/^test result: .*? (\d+) passed;/gm), ([, count]) => Number(count));
  const passed = counts.reduce((sum, count) => sum + count, 0);
  report(`core, ${passed} tests`, core.ok && passed > 0, core.output);

  await ensureInstalled(root, 'development dependencies');
  await ensureBuilt();
  const library = await run('cargo', ['+nightly', 'build', '--lib', '--target', TARGET], {
    env: build,
    timeoutMs: 30 * 60_000,
  });
  if (!library.ok) {
    report('the addon', false, library.output);
    return 1;
  }
  // In the place of the one that the specs load. Whatever runs next builds that again.
  rmSync(stampFile);
  const addon = addonFile();
  rmSync(addon);
  copyFileSync(inRoot('target', 'asan', TARGET, 'debug', 'libconfig13.so'), addon);
  // Rust's own runtime for sanitizers is only for programs; gcc's has the same interface.
  const { stdout } = await run('gcc', ['-print-file-name=libasan.so']);
  const node = (await allRuntimes()).runtimes.find(({ id }) => id === 'node-24');
  if (!node) throw new Error('There is no Node 24 for this platform');
  const env = { LD_PRELOAD: stdout.trim(), ASAN_OPTIONS: ADDON_OPTIONS };
  for (const file of specFiles().filter((path) => SPECS.has(basename(path, '.spec.mjs')))) {
    for (const mode of /** @type {const} */ (['main', 'worker'])) {
      const outcome = await runSpec(file, node, mode, env);
      report(
        `${basename(file)} on Node ${node.version}, ${mode}, ${outcome.passed} cases`,
        outcome.failed === 0 && outcome.passed > 0,
        outcome.output,
      );
    }
  }
  return failed === 0 ? 0 : 1;
});
