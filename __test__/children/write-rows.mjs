// Another program that writes to a database through the SQLite of its runtime: so many rows, each in a transaction, once
// it is sent a line. Then it says what SQLite thinks of the file.
import { writeSync } from 'node:fs';
import { once } from 'node:events';
import { openDatabase } from './other-sqlite.mjs';

const [file, rows] = process.argv.slice(-2);
const database = await openDatabase(file);
database.run('PRAGMA busy_timeout = 20000');
database.run('CREATE TABLE other (id INTEGER PRIMARY KEY)');
writeSync(1, 'ready\n');
await once(process.stdin, 'data');
for (let row = 0; row < Number(rows); row += 1) database.run('INSERT INTO other DEFAULT VALUES');
const [{ count }] = database.all('SELECT count(*) AS count FROM other');
const [{ integrity_check: integrity }] = database.all('PRAGMA integrity_check');
database.close();
writeSync(1, `${JSON.stringify({ count, integrity })}\n`);
process.stdin.destroy();
