// @ts-check
// Installs, builds and runs an example: `node scripts/example.mjs demo`.
//
//   npm run demo                          on Bun
//   npm run example:cluster -- --node     on the Node that runs npm
//
// Other arguments go to the example. Set-up is reported on stderr; stdout is the example's own.
import { existsSync } from 'node:fs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { runAttached } from './lib/process.mjs';
import { runMain, UsageError } from './lib/progress.mjs';
import { anyBun, thisNode } from './lib/runtimes.mjs';

await runMain(async () => {
  const [name = '', ...args] = process.argv.slice(2);
  const program = inRoot('examples', name, 'main.mjs');
  if (!existsSync(program)) throw new UsageError(`There is no example ${name}`);
  await ensureInstalled(root, 'development dependencies');
  await ensureBuilt();
  const runtime = args.includes('--node') ? thisNode() : await anyBun();
  return runAttached(runtime.path, [program, ...args.filter((argument) => argument !== '--node')]);
});
