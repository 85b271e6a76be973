// SQLites other than the addon's: the one of this runtime, and the one of a second copy of the package.
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The runtime's SQLite on a database file; nothing where it has none: Node before 22.13. */
export async function openDatabase(path) {
  if (process.versions.bun) {
    const { Database } = await import('bun:sqlite');
    const database = new Database(path);
    return {
      all(sql) {
        // A statement that is left open keeps the database open.
        const statement = database.prepare(sql);
        const rows = statement.all();
        statement.finalize();
        return rows;
      },
      run: (sql) => void database.run(sql),
      close: () => database.close(true),
    };
  }
  // Not written out, since Bun looks for what is.
  const name = 'node:sqlite';
  const sqlite = await import(name).catch((error) => {
    if (error.code !== 'ERR_UNKNOWN_BUILTIN_MODULE') throw error;
  });
  if (!sqlite) return undefined;
  const database = new sqlite.DatabaseSync(path);
  return {
    all: (sql) =>
      database
        .prepare(sql)
        .all()
        .map((row) => Object.assign({}, row)),
    run: (sql) => database.exec(sql),
    close: () => database.close(),
  };
}

/** This runtime, or one of the others under test where this one has no SQLite. */
export function pathOfRuntimeWithSqlite() {
  if (process.versions.bun || Number.parseInt(process.versions.node, 10) >= 22) return process.execPath;
  const other = ['node-24', 'node-22', 'node-26']
    .map((name) => join(root, '__test__/runtimes/node_modules', name, 'bin/node'))
    .find((path) => existsSync(path));
  if (!other) throw new Error('A runtime with SQLite is needed: Node 22.13 or later');
  return other;
}

/** Another copy of the package, with an addon and so a SQLite of its own, as duplicates in `node_modules` have. */
export function copyOfPackage(directory) {
  const copy = join(directory, 'copy');
  mkdirSync(copy);
  for (const part of ['dist', 'native', 'package.json'])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  return createRequire(import.meta.url)(copy);
}
