// @ts-check
// Making a state durable, against the SQLite that the runtime brings, with the same settings.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProductionConfig } from '../index.mjs';
import { compare } from './lib/compare.mjs';

const AT_ONCE = 100;

/** A database file of its own for each contestant, on the disk that holds the temporary directory. */
function databasePath() {
  const directory = mkdtempSync(join(process.env.BENCH_DIRECTORY ?? tmpdir(), '13byte-config-bench-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'bench.db');
}

/** A table such as somebody would make who wants the same history by hand. */
async function ownSqlite() {
  const isBun = process.versions.bun !== undefined;
  const { Database, DatabaseSync } = await import(isBun ? 'bun:sqlite' : 'node:sqlite');
  const database = isBun ? new Database(databasePath()) : new DatabaseSync(databasePath());
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec(`CREATE TABLE revision (
    id INTEGER PRIMARY KEY, environment TEXT NOT NULL, record BLOB NOT NULL CHECK (length(record) = 13),
    reason TEXT NOT NULL, actor TEXT NOT NULL, created_at INTEGER NOT NULL
  ) STRICT`);
  const insert = database.prepare(
    'INSERT INTO revision (environment, record, reason, actor, created_at) VALUES (?, ?, ?, ?, ?)',
  );
  const record = createProductionConfig().toBytes();
  return {
    /** @param {string} sql */
    execute: (sql) => database.exec(sql),
    add: () => insert.run('production', record, 'bench', 'bench:1', Date.now()),
  };
}

const open = () => createProductionConfig({ persistPath: databasePath(), environment: 'production', actor: 'bench:1' });

await compare(import.meta.url, [
  {
    title: 'Persist, one after the other',
    contestants: {
      "by hand: a prepared insert into the runtime's own SQLite"() {
        return ownSqlite().then(({ add }) => ({ operations: 1, run: add }));
      },
      '`await config.persist(reason)`'() {
        const config = open();
        return { operations: 1, run: async () => config.persist('bench') };
      },
    },
  },
  {
    title: `Persist, ${AT_ONCE} at once`,
    contestants: {
      [`by hand: ${AT_ONCE} prepared inserts in one transaction`]() {
        return ownSqlite().then(({ add, execute }) => ({
          operations: AT_ONCE,
          run() {
            execute('BEGIN IMMEDIATE');
            for (let i = 0; i < AT_ONCE; i += 1) add();
            execute('COMMIT');
          },
        }));
      },
      [`\`Promise.all\` of ${AT_ONCE} \`config.persist(reason)\``]() {
        const config = open();
        return {
          operations: AT_ONCE,
          run: async () => Promise.all(Array.from({ length: AT_ONCE }, () => config.persist('bench'))),
        };
      },
    },
  },
]);
