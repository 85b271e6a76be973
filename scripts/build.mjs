// @ts-check
// Builds everything, including the generated files that are committed.
//
//   npm run build              build
//   npm run build -- --check   only say whether the committed generated files are stale
import { parseArgs } from 'node:util';
import { buildAll } from './lib/build.mjs';
import { generatedTypes, layoutConstants, staleness, writeGenerated } from './lib/generated.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { root } from './lib/paths.mjs';
import { runMain, step } from './lib/progress.mjs';

await runMain(async () => {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  await ensureInstalled(root, 'development dependencies');
  return values.check ? check() : build();
});

/** The addon needs no generated file, the bundle needs the layout, the types need the addon's. */
async function build() {
  await step('Generating the layout constants', () => writeGenerated(layoutConstants));
  await buildAll();
  await step('Bundling the types', async () => {
    for (const file of generatedTypes) await writeGenerated(file);
  });
}

async function check() {
  let stale = 0;
  for (const file of [layoutConstants, ...generatedTypes]) {
    const problem = await staleness(file);
    if (problem) {
      stale += 1;
      process.stderr.write(`${problem}\n`);
    }
  }
  return stale === 0 ? 0 : 1;
}
