// @ts-check
// The addon for the platforms that this machine is not.
//
//   npm run cross -- setup                       downloads the tools; the other commands do so too
//   npm run cross -- check [target …]            lints the library and its tests with clippy
//   npm run cross -- build [target …]            builds the addon into native/, and checks what it needs of its system
//   npm run cross -- run [runtime …]             the quick start on Node and Bun for arm64 and Windows, emulated
//   npm run cross -- specs [runtime or spec …]   the specs there, on the main thread
//
// A target is a name such as darwin-arm64, or a Rust triple; none is all.
import { build, check, runAll, runSpecsOf } from './lib/cross/commands.mjs';
import { selectTargets } from './lib/cross/targets.mjs';
import { ensureToolchain, unavailable } from './lib/cross/toolchain.mjs';
import { runMain, step, UsageError } from './lib/progress.mjs';

/** @type {Record<string, (wanted: string[]) => Promise<number>>} */
const commands = {
  setup: async () => 0,
  check: (wanted) => check(selectTargets(wanted)),
  build: (wanted) => build(selectTargets(wanted)),
  run: runAll,
  specs: runSpecsOf,
};

await runMain(async () => {
  const [name = '', ...wanted] = process.argv.slice(2);
  const command = Object.entries(commands).find(([known]) => known === name)?.[1];
  if (!command) throw new UsageError(`There is no command "${name}", only ${Object.keys(commands).join(', ')}`);
  const reason = unavailable();
  if (reason !== undefined) throw new UsageError(`Nothing can be built for other platforms here: ${reason}`);
  await step('Fetching Rust and Zig for other platforms', ensureToolchain);
  return command(wanted);
});
