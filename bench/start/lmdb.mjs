// @ts-check
// A database that the first run has made.
import { open } from 'lmdb';

const database = open({ path: process.argv[2] ?? '' });
if (database.get('debug') === undefined) database.putSync('debug', true);
process.exit(database.get('debug') ? 0 : 1);
