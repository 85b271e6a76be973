// @ts-check
// A database that the first run has made.
import { join } from 'node:path';
import { connectOwn, CREATE, READ } from '../lib/peers/sqlite.mjs';

const database = await connectOwn(join(process.argv[2] ?? '', 'flags.db'));
database.exec(`PRAGMA journal_mode = WAL; ${CREATE}; INSERT OR IGNORE INTO flag VALUES ('debug', 1)`);
process.exit(database.prepare(READ).get('debug').enabled === 1 ? 0 : 1);
