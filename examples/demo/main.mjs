// Shows what the package does, on a real database file, and checks what it shows: `npm run demo`.
//
//   --keep    leaves the database where it is and says where
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { environments } from './environments.mjs';
import { helpfulErrors } from './helpful-errors.mjs';
import { restart } from './restart.mjs';
import { rollout } from './rollout.mjs';
import { sharedMemory } from './shared-memory.mjs';
import { banner, checks, failure, footer, heading } from './terminal.mjs';
import { timings } from './timings.mjs';
import { views } from './views.mjs';

/** @type {[title: string, scene: (directory: string) => Promise<void>][]} */
const scenes = [
  ['A microservice sets itself up, once for each environment', environments],
  ['A rollout, and who did what when', rollout],
  ['A restart, and a crash', restart],
  ['One config for all processes', sharedMemory],
  ['What people see', views],
  ['When something is wrong', helpfulErrors],
  ['How long it takes', timings],
];

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });

// The scenes name their environments themselves.
delete process.env.NODE_ENV;

const directory = mkdtempSync(join(tmpdir(), '13byte-config-demo-'));
process.once('exit', () => {
  if (!values.keep) rmSync(directory, { recursive: true, force: true });
});
process.once('SIGINT', () => process.exit(130));

const startedAt = performance.now();
banner('13byte-config', 'feature flags and terminal settings in 13 bytes of shared memory, with a history');
try {
  for (const [index, [title, show]] of scenes.entries()) {
    heading(index + 1, title);
    await show(directory);
  }
} catch (error) {
  failure(error);
}
footer((performance.now() - startedAt) / 1000, directory, values.keep);
process.exitCode = checks.failed === 0 ? 0 : 1;
