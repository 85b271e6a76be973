// Persists, but holds its thread before the turn ends: the snapshot is taken, and nothing is written until this program
// is sent a line.
import { readSync, writeSync } from 'node:fs';
import { createProductionConfig } from '13byte-config';

const config = createProductionConfig(JSON.parse(process.argv.at(-1)));

// When this is answered the store is asleep, and stays so until the end of a turn that gives it something to do.
await config.getHistory();

config.enableFeature('debug');
const persist = config.persist('older');
writeSync(1, 'called\n');
waitForLine();

const { revision, configHex } = await persist;
writeSync(1, `${JSON.stringify({ revision, configHex })}\n`);
await config.close();

/** Blocks this thread, and with it every promise, until there is something to read. */
function waitForLine() {
  const byte = new Uint8Array(1);
  for (;;) {
    try {
      if (readSync(0, byte) === 1) return;
    } catch (error) {
      // A pipe may be set not to wait.
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}
