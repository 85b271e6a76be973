// Another SQLite, which takes the write lock of a database again and again until it is sent a line, and then prints for how
// many milliseconds at most it was refused.
import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { openDatabase } from './other-sqlite.mjs';

const database = await openDatabase(process.argv.at(-1));
database.run('PRAGMA busy_timeout = 0');
const over = new AbortController();
process.stdin.once('data', () => over.abort());
writeSync(1, 'started\n');
let longest = 0;
while (!over.signal.aborted) {
  const started = performance.now();
  while (!takesLock()) longest = Math.max(longest, performance.now() - started);
  await setImmediate();
}
database.close();
writeSync(1, `${longest}\n`);
process.stdin.destroy();

function takesLock() {
  try {
    database.run('BEGIN IMMEDIATE');
  } catch {
    return false;
  }
  database.run('ROLLBACK');
  return true;
}
