// @ts-check
// Installs, builds and runs every check and test. A developer can select:
//
//   npm test -- --only specs,rust       stages: format, clippy, lint, types, generated, rust, harness,
//                                       specs, package, bench
//   npm test -- --runtime node-24,bun   spec runtimes
//   npm test -- --mode worker           where specs run: main, worker, web-worker
//   npm test -- --spec flags            spec files whose name contains this
//
// --runtime, --mode and --spec alone mean --only specs.
import { parseArgs } from 'node:util';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { runMain, UsageError } from './lib/progress.mjs';
import { allRuntimes } from './lib/runtimes.mjs';
import { stageIds, stages } from './lib/stages.mjs';

await runMain(async () => {
  const selection = parseSelection();
  const { runtimes, missing } = await setUp(selection);
  const selected = stages(selection, runtimes);
  if (selected.length === 0) throw new UsageError('Nothing matches the selection');
  // Loaded here because it needs packages, which only the set-up installs.
  const { printSummary, runStages, totals } = await import('./lib/report.mjs');
  const results = await runStages(selected);
  printSummary(results, missing);
  return totals(results).failed === 0 ? 0 : 1;
});

/**
 * Installs and builds what the selected stages need.
 *
 * @param {import('./lib/stages.mjs').Selection} selection
 */
async function setUp(selection) {
  await ensureInstalled(root, 'development dependencies');
  if (needs(selection, ['types', 'generated', 'specs', 'package', 'bench'])) await ensureBuilt();
  if (needs(selection, ['bench']) && process.platform === 'linux') {
    await ensureInstalled(inRoot('bench'), 'what the benchmarks compare with');
  }
  if (!needs(selection, ['harness', 'specs', 'package', 'bench'])) return { runtimes: [], missing: [] };
  const available = await allRuntimes();
  if (available.missing.length > 0) {
    process.stderr.write(`NOT TESTED on this platform: ${available.missing.join(', ')}\n`);
  }
  return available;
}

/** @returns {import('./lib/stages.mjs').Selection} */
function parseSelection() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      runtime: { type: 'string' },
      mode: { type: 'string' },
      spec: { type: 'string' },
    },
  });
  const isSpecFilter = values.runtime !== undefined || values.mode !== undefined || values.spec !== undefined;
  const only = values.only?.split(',') ?? (isSpecFilter ? ['specs'] : undefined);
  const unknown = only?.find((id) => !stageIds.some((known) => known === id));
  if (unknown !== undefined) throw new UsageError(`There is no stage "${unknown}", only ${stageIds.join(', ')}`);
  return {
    ...(only && { only }),
    ...(values.runtime && { runtime: values.runtime.split(',') }),
    ...(values.mode && { mode: values.mode.split(',') }),
    ...(values.spec && { spec: values.spec }),
  };
}

/**
 * @param {import('./lib/stages.mjs').Selection} selection
 * @param {readonly string[]} ids
 */
function needs({ only }, ids) {
  return only === undefined || ids.some((id) => only.includes(id));
}
