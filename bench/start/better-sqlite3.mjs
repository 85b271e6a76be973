// @ts-check
// A database that the first run has made.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { CREATE, READ } from '../lib/peers/sqlite.mjs';

const database = new Database(join(process.argv[2] ?? '', 'flags.db'));
database.exec(`PRAGMA journal_mode = WAL; ${CREATE}; INSERT OR IGNORE INTO flag VALUES ('debug', 1)`);
process.exit(database.prepare(READ).pluck().get('debug') === 1 ? 0 : 1);
