// @ts-check
// Records the terminal session of the README: runs the real programs and writes what they print between its markers.
//
//   node scripts/record-session.mjs
import { ensureBuilt } from './lib/build.mjs';
import { writeGenerated } from './lib/generated.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { root } from './lib/paths.mjs';
import { runMain, step } from './lib/progress.mjs';
import { recordedSession } from './lib/session.mjs';

await runMain(async () => {
  await ensureInstalled(root, 'development dependencies');
  await ensureBuilt();
  await step('Recording the session of the README', () => writeGenerated(recordedSession));
  return 0;
});
