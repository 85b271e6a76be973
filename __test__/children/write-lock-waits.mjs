// Another SQLite, which takes the write lock of a database again and again until it is sent a line, and then prints for how
// many milliseconds at most it was refused.
import { writeSync } from 'node:fs';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { openDatabase } from './other-sqlite.mjs';

const database = await openDatabase(process.argv.at(-1));
database.run('PRAGMA busy_timeout = 0');
let isOver = false;
const over = once(process.stdin, 'data').then(() => {
  isOver = true;
});
writeSync(1, 'started\n');
let longest = 0;
while (!isOver) {
  const started = performance.now();
  while (!takesLock()) longest = Math.max(longest, performance.now() - started);
  await setImmediate();
}
await over;
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
