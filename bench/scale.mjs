// @ts-check
// What a million revisions change, what a revision takes, and what ten thousand configs take.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProductionConfig } from '../types/index.mjs';
import { median } from './lib/figures.mjs';
import { temporaryDirectory } from './lib/files.mjs';
import { figure, ratio } from './lib/judge.mjs';
import { report } from './lib/report.mjs';
import { isBun, isShort, rounds } from './lib/settings.mjs';

const FEW = 100;
const MANY = isShort ? 5000 : 1_000_000;
const CONFIGS = isShort ? 1000 : 10_000;
/** Persists under way at once, which are committed together. */
const AT_ONCE = 5000;
const CALLS = isShort ? 3 : 50;
const HISTORY = 50;

const BY_HAND = 'by hand: an object, a `SharedArrayBuffer` of 128 bytes and an `Int32Array`';
const CONFIG = '`createProductionConfig()`';

const environment = 'production';
/** @param {string} path */
const open = (path) => createProductionConfig({ persistPath: path, environment, actor: 'bench:1' });

/** What runs in processes of its own. Each answers with figures by name. */
/** @type {Record<string, (...args: string[]) => Promise<Record<string, number>>>} */
const tasks = {
  async fill(path, count) {
    const config = open(path);
    for (let done = 0; done < Number(count);) {
      const pending = [];
      for (; pending.length < AT_ONCE && done < Number(count); done += 1) {
        // A state of its own for each.
        config.setTerminalSettings(2, 1 + (done % 255), 1 + (Math.floor(done / 255) % 255));
        pending.push(config.persist('metrics on for everyone'));
      }
      await Promise.all(pending);
    }
    await config.close();
    return { bytes: statSync(path).size / Number(count) };
  },

  async open(path) {
    const begin = process.hrtime.bigint();
    const config = open(path);
    const time = Number(process.hrtime.bigint() - begin);
    await config.close();
    return { open: time };
  },

  async calls(path) {
    const config = open(path);
    /** @type {Record<string, number[]>} */
    const times = { load: [], history: [], rollback: [] };
    for (let call = 0; call < CALLS; call += 1) {
      times.load?.push(await timed(async () => assert.equal(await config.load(), true)));
      times.history?.push(await timed(async () => assert.equal((await config.getHistory(HISTORY)).length, HISTORY)));
      times.rollback?.push(await timed(async () => assert.ok((await config.rollback()).revision > FEW)));
      // So that the next one goes back to the one before this, and not ever further.
      await config.persist('again');
    }
    await config.close();
    return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]));
  },

  async verify(path, least) {
    const config = open(path);
    const begin = process.hrtime.bigint();
    const { ok, revisions } = await config.verify();
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    assert.ok(ok && revisions >= Number(least), `${revisions} revisions, intact: ${ok}`);
    await config.close();
    return { verify: revisions / seconds };
  },

  async configs() {
    return memoryOf(() => createProductionConfig());
  },

  async byHand() {
    return memoryOf(() => ({ words: new Int32Array(new SharedArrayBuffer(128)) }));
  },
};

const [name, ...args] = process.argv.slice(2);
if (name === undefined) {
  await main();
} else {
  const figures = await tasks[name]?.(...args);
  process.stdout.write(JSON.stringify(figures), () => process.exit());
}

async function main() {
  const directory = temporaryDirectory();
  const databases = [FEW, MANY].map((count) => ({
    count,
    path: join(directory, `${count}.db`),
    title: `${count.toLocaleString('en')} revisions`,
  }));
  /** @type {Record<string, import('./lib/report.mjs').Row[]>} */
  const rows = {};
  const note = (/** @type {string} */ measurement, /** @type {string} */ title, /** @type {number} */ value) => {
    const table = (rows[measurement] ??= []);
    const row = table.find((candidate) => candidate.name === title);
    if (row) row.values.push(value);
    else table.push({ name: title, values: [value] });
  };
  for (const { count, path, title } of databases) {
    const { bytes = Number.NaN } = await apart('fill', path, String(count));
    note('bytes', title, bytes);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const { path, title } of databases) {
      note('open', title, (await apart('open', path)).open ?? Number.NaN);
      for (const [call, time] of Object.entries(await apart('calls', path))) note(call, title, time);
    }
    const many = databases[1];
    if (many) note('verify', many.title, (await apart('verify', many.path, String(MANY))).verify ?? Number.NaN);
    for (const [task, title] of /** @type {const} */ ([
      ['byHand', BY_HAND],
      ['configs', CONFIG],
    ])) {
      const { first = Number.NaN, next = Number.NaN } = await apart(task);
      note('first', title, first);
      note('next', title, next);
    }
  }
  const [few = '', many = ''] = databases.map(({ title }) => title);
  const table = (
    /** @type {string} */ title,
    /** @type {string} */ measurement,
    /** @type {import('./lib/figures.mjs').Unit} */ unit,
    /** @type {import('./lib/judge.mjs').Judgement} */ judge,
  ) => ({ title, unit, rows: rows[measurement] ?? [], goals: [judge(rows[measurement] ?? [])] });
  report([
    table('Open', 'open', 'ns', ratio('scaleOpen', many, few)),
    table('`await config.load()`', 'load', 'ns', ratio('scaleLoad', many, few)),
    table(`\`await config.getHistory(${HISTORY})\``, 'history', 'ns', ratio('scaleHistory', many, few)),
    table('`await config.rollback()`', 'rollback', 'ns', ratio('scaleRollback', many, few)),
    table('`await config.verify()`', 'verify', 'per second', figure('scaleVerify', many)),
    table('Size of the database, each revision', 'bytes', 'bytes', figure('scaleBytes', many)),
    table(`Resident memory, each of ${CONFIGS.toLocaleString('en')}`, 'first', 'bytes', figure('configMemory', CONFIG)),
    {
      title: `Resident memory, each of ${CONFIGS.toLocaleString('en')} more`,
      unit: 'bytes',
      rows: rows.next ?? [],
      goals: [],
      notes: [
        'What a config takes by itself. In the table above each also has its share of what grows once: heaps, code that is ' +
          'compiled, and the pages of the runtime that this brings into memory.',
      ],
    },
  ]);
}

/** @param {() => Promise<void>} call */
async function timed(call) {
  const begin = process.hrtime.bigint();
  await call();
  return Number(process.hrtime.bigint() - begin);
}

/**
 * What the first ones load, compile and make the heap grow by is not each one's, so that is told apart: `next` is for
 * those that are made when there are as many already.
 *
 * @param {() => object} make
 * @returns {Promise<{ first: number, next: number }>} bytes of resident memory that one more takes
 */
async function memoryOf(make) {
  const list = () => Array.from({ length: CONFIGS }, () => /** @type {object | undefined} */ (undefined));
  const [first, next] = [list(), list()];
  for (let i = 0; i < 100; i += 1) make();
  const sizes = [residentSize()];
  for (const kept of [first, next]) {
    for (let i = 0; i < CONFIGS; i += 1) kept[i] = make();
    sizes.push(residentSize());
  }
  assert.ok([...first, ...next].every((made) => made !== undefined));
  const [before = Number.NaN, between = Number.NaN, after = Number.NaN] = sizes;
  return { first: (between - before) / CONFIGS, next: (after - between) / CONFIGS };
}

function residentSize() {
  const collect = isBun ? () => Bun.gc(true) : globalThis.gc;
  if (!collect) throw new Error('Run with --expose-gc');
  for (let i = 0; i < 3; i += 1) collect();
  return process.memoryUsage.rss();
}

/**
 * @param {string} task
 * @param {string[]} given
 * @returns {Promise<Record<string, number>>}
 */
function apart(task, ...given) {
  return new Promise((resolve, reject) => {
    const flags = isBun ? [] : ['--expose-gc'];
    const child = spawn(process.execPath, [...flags, fileURLToPath(import.meta.url), task, ...given], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(`${task} ended with ${signal ?? code}`));
    });
  });
}
