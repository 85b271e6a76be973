// Makes the history of a database that nobody has open older by some days. Its digests are wrong then.
import { openDatabase } from './other-sqlite.mjs';

const [path, days] = process.argv.slice(2);
const database = await openDatabase(path);
database.run(`UPDATE revision SET created_at = created_at - ${Number(days) * 86_400_000}`);
database.close();
