// @ts-check
// SQLite by the three libraries for it: a table of flags by name without row numbers, and prepared statements, made once.
// On disk in WAL mode with `synchronous=FULL`, so that a write is durable when it returns; in memory for flips that need
// not be.
import { join } from 'node:path';
import { temporaryDirectory } from '../files.mjs';
import { isOn, names } from '../flags.mjs';
import { isBun } from '../settings.mjs';

/** The library that the runtime brings, by one name on all of them. */
export const OWN = 'bun:sqlite or node:sqlite';

/** @param {{ inMemory?: boolean }} [options] */
export async function openOwn({ inMemory = false } = {}) {
  const database = withFlags(await connectOwn(inMemory ? ':memory:' : join(temporaryDirectory(), 'flags.db')));
  const read = database.prepare(READ);
  return access(database, (name) => read.get(name).enabled === 1);
}

/** @param {string} path */
export async function connectOwn(path) {
  const { Database, DatabaseSync } = await import(isBun ? 'bun:sqlite' : 'node:sqlite');
  return isBun ? new Database(path) : new DatabaseSync(path);
}

/** @param {{ inMemory?: boolean }} [options] */
export async function openBetter({ inMemory = false } = {}) {
  const { default: Database } = await import('better-sqlite3');
  const database = withFlags(new Database(inMemory ? ':memory:' : join(temporaryDirectory(), 'flags.db')));
  // `pluck` is its way to a single column.
  const read = database.prepare(READ).pluck();
  return access(database, (name) => read.get(name) === 1);
}

export const CREATE =
  'CREATE TABLE IF NOT EXISTS flag (name TEXT PRIMARY KEY, enabled INTEGER NOT NULL) STRICT, WITHOUT ROWID';
export const READ = 'SELECT enabled FROM flag WHERE name = ?';

/**
 * @template {{ exec: (sql: string) => unknown, prepare: (sql: string) => any }} Database
 * @param {Database} database
 */
function withFlags(database) {
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec(CREATE);
  const insert = database.prepare('INSERT INTO flag (name, enabled) VALUES (?, ?)');
  for (const name of names) insert.run(name, Number(isOn(name)));
  return database;
}

/**
 * @param {{ prepare: (sql: string) => any }} database
 * @param {(name: string) => boolean} ask
 */
function access(database, ask) {
  const update = database.prepare("UPDATE flag SET enabled = ? WHERE name = 'debug'");
  /** @type {(on: boolean) => void} */
  const set = (on) => void update.run(Number(on));
  return { isOn: ask, isDebugOn: () => ask('debug'), set, setDurably: set };
}
