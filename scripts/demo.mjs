// @ts-check
// Installs, builds and runs the demo.
//
//   npm run demo               on Bun
//   npm run demo -- --node     on the Node that runs npm
//
// Other arguments go to the demo. Set-up is reported on stderr; stdout is the demo's own.
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { runAttached } from './lib/process.mjs';
import { runMain } from './lib/progress.mjs';
import { anyBun, thisNode } from './lib/runtimes.mjs';

await runMain(async () => {
  const onNode = process.argv.includes('--node');
  const rest = process.argv.slice(2).filter((argument) => argument !== '--node');
  await ensureInstalled(root, 'development dependencies');
  await ensureBuilt();
  const runtime = onNode ? thisNode() : await anyBun();
  return runAttached(runtime.path, [inRoot('examples', 'demo', 'main.mjs'), ...rest]);
});
