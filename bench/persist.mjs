// @ts-check
// Making a state durable, against the SQLite that the runtime brings, with the same table and settings, and against what a
// user would keep flags in instead.
import assert from 'node:assert/strict';
import { fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '../types/index.mjs';
import { compare } from './lib/compare.mjs';
import { temporaryDirectory } from './lib/files.mjs';
import { manyNames } from './lib/flags.mjs';
import { ratio, speedUp, where } from './lib/judge.mjs';
import { durableWriters } from './lib/peers.mjs';
import { connectOwn, OWN } from './lib/peers/sqlite.mjs';

const AT_ONCE = 64;
const OPTIONS = /** @type {const} */ ({ environment: 'production', actor: 'bench:1' });

const databasePath = () => join(temporaryDirectory(), 'bench.db');
/** @param {readonly string[]} [features] */
const open = (features) => createProductionConfig({ ...OPTIONS, features, persistPath: databasePath() });

/**
 * The row of a revision, put by hand into a database that we have made: same columns, checks and index, same settings.
 * Only the insert is measured. What `persist` does besides it, reading and writing the environment's head and computing
 * the digest, is left out of the baseline.
 */
async function sameRow() {
  const path = databasePath();
  const config = createProductionConfig({ ...OPTIONS, persistPath: path });
  await config.persist('bench');
  await config.close();
  const database = await connectOwn(path);
  // As src/store/sqlite/schema.rs sets them, and as SQLite is compiled there.
  database.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 4194304');
  assert.equal(database.prepare('PRAGMA journal_mode').get().journal_mode, 'wal');
  assert.equal(database.prepare('PRAGMA synchronous').get().synchronous, 2);
  const first = database
    .prepare('SELECT id, environment, record, rollouts, names, epoch, kind, delta, digest FROM revision')
    .get();
  // When the table gets another column, the baseline has to get it too.
  const columns = database
    .prepare("SELECT name FROM pragma_table_info('revision')")
    .all()
    .map((/** @type {any} */ { name }) => name);
  assert.deepEqual(columns, [
    'id',
    'environment',
    'record',
    'rollouts',
    'names',
    'epoch',
    'reason',
    'actor',
    'created_at',
    'parent',
    'restored_from',
    'kind',
    'delta',
    'ticket',
    'page_id',
    'digest',
  ]);
  const insert = database.prepare(
    `INSERT INTO revision (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  );
  let last = first.id;
  return {
    execute: (/** @type {string} */ sql) => database.exec(sql),
    add() {
      last += 1;
      insert.run(
        last,
        first.environment,
        first.record,
        first.rollouts,
        first.names,
        first.epoch,
        'bench',
        OPTIONS.actor,
        Date.now(),
        last - 1,
        null,
        first.kind,
        first.delta,
        last,
        PAGE_ID,
        first.digest,
      );
    },
    count: () => database.prepare('SELECT count(*) AS rows FROM revision').get().rows - 1,
  };
}

/** Such as a page has: 64 random bits. */
const PAGE_ID = -0x1862_9a81_4d3f_2c19n;

const ROW = `by hand: a prepared insert of the same row by \`${OWN}\``;
const PERSIST = '`await config.persist(reason)`';
const PERSIST_MANY = 'the same with 256 features, of which a quarter has a rollout';
const SYNC = '`config.persistSync(reason)`';
const TOGETHER = `each of ${AT_ONCE} \`config.persist(reason)\` at once`;

const ROWS = `by hand: each of ${AT_ONCE} such inserts in one transaction`;
const DISK = 'by hand: 4 KiB written and synced';

/** Persists a state again and again: each time it is the next revision. */
function persisting(config) {
  let last = 0;
  return {
    operations: 1,
    expected: true,
    async run() {
      const { revision } = await config.persist('bench');
      last += 1;
      return revision === last;
    },
  };
}

/** Below that, a disk does not make anything durable: it is memory, or confirms what it has not written. */
const LEAST_SYNC_NS = 200_000;

await compare(import.meta.url, [
  {
    title: 'Persist',
    contestants: {
      [ROW]: async () => {
        const { add, count } = await sameRow();
        add();
        assert.equal(count(), 1);
        return { operations: 1, expected: undefined, run: add };
      },
      [PERSIST]: async () => persisting(open()),
      [PERSIST_MANY]: async () => {
        const config = open(manyNames);
        config.update((draft) => {
          for (const [index, name] of manyNames.entries()) if (index % 4 === 0) draft.enable(name, { rollout: 10 });
        });
        return persisting(config);
      },
      [SYNC]: async () => {
        const config = open();
        let last = 0;
        return {
          operations: 1,
          expected: true,
          run() {
            const { revision } = config.persistSync('bench');
            last += 1;
            return revision === last;
          },
        };
      },
      [TOGETHER]: async () => {
        const config = open();
        let last = 0;
        return {
          operations: AT_ONCE,
          expected: true,
          async run() {
            const entries = await Promise.all(Array.from({ length: AT_ONCE }, () => config.persist('bench')));
            last += AT_ONCE;
            return entries.at(-1)?.revision === last;
          },
        };
      },
      [ROWS]: async () => {
        const { add, execute, count } = await sameRow();
        const run = () => {
          execute('BEGIN IMMEDIATE');
          for (let i = 0; i < AT_ONCE; i += 1) add();
          execute('COMMIT');
        };
        run();
        assert.equal(count(), AT_ONCE);
        return { operations: AT_ONCE, expected: undefined, run };
      },
      [DISK]: async () => {
        const file = openSync(join(temporaryDirectory(), 'bench'), 'w');
        const block = new Uint8Array(4096);
        return {
          operations: 1,
          expected: block.length,
          run() {
            const written = writeSync(file, block, 0, block.length, 0);
            fdatasyncSync(file);
            return written;
          },
        };
      },
    },
    goals: [
      ratio('persist', PERSIST, ROW),
      ratio('persistMany', PERSIST_MANY, PERSIST),
      where(ratio('persistSync', SYNC, ROW), DISK, LEAST_SYNC_NS),
      ratio('persistTogetherRow', TOGETHER, ROWS),
      speedUp('persistTogether', TOGETHER, [PERSIST]),
    ],
  },
  {
    title: 'One flag, changed and durable',
    contestants: {
      '`config.setFeature(name, on)`, `await config.persist()`': async () => {
        const config = open();
        let on = false;
        return {
          operations: 1,
          expected: true,
          async run() {
            on = !on;
            config.setFeature('debug', on);
            const { changes } = await config.persist();
            return changes.length === 1;
          },
        };
      },
      ...durableWriters(),
    },
    notes: [
      'Ours keeps every state as a revision with its reason, author and digest; the others keep the last value alone. The ' +
        'flag libraries keep nothing on disk, and convict and config only read.',
    ],
  },
]);
