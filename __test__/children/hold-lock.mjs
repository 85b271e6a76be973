// Another program that keeps a database locked, through the SQLite of its runtime (Bun, or Node since 22.13), until it
// is sent a line. `write` keeps others from writing, `exclusive` from reading, too.
import { writeSync } from 'node:fs';
import { once } from 'node:events';

const [mode, file] = process.argv.slice(-2);
const Database = process.versions.bun
  ? (await import('bun:sqlite')).Database
  : (await import('node:sqlite')).DatabaseSync;

const database = new Database(file);
if (mode === 'exclusive') database.exec('PRAGMA locking_mode = EXCLUSIVE');
database.exec('BEGIN IMMEDIATE');
// Only a write makes SQLite take the lock that `exclusive` promises.
if (mode === 'exclusive') database.exec('CREATE TABLE never_committed (id INTEGER)');
writeSync(1, 'locked\n');

await once(process.stdin, 'data');
database.exec('ROLLBACK');
database.close();
writeSync(1, 'released\n');
process.stdin.destroy();
