// @ts-check
// How long a program takes to start, answer one question and end: whole processes, from outside. And what it loads.
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonFile } from '../scripts/lib/addon.mjs';
import { median } from './lib/figures.mjs';
import { temporaryDirectory } from './lib/files.mjs';
import { OWN } from './lib/peers/sqlite.mjs';
import { report } from './lib/report.mjs';
import { isShort } from './lib/settings.mjs';

/** A process takes tens of milliseconds and varies by some, so many rounds are made. */
const ROUNDS = isShort ? 1 : 31;

const EMPTY = 'an empty script';
const PRIVATE = '`createProductionConfig()`';
const DATABASE = '`createProductionConfig({ persistPath })`, the database exists';

/** Programs in `start/`, by what they do. */
const programs = {
  [EMPTY]: 'empty',
  [PRIVATE]: 'private',
  [DATABASE]: 'database',
  'the same, the database is made': 'new-database',
  'unleash-client, with its flags at hand': 'unleash-client',
  'GrowthBook, with its features at hand': 'growthbook',
  'LaunchDarkly, test data': 'launchdarkly',
  'OpenFeature, in-memory provider': 'openfeature',
  config: 'config',
  convict: 'convict',
  'conf, the file exists': 'conf',
  'lmdb, the database exists': 'lmdb',
  [`${OWN}, the database exists`]: 'own-sqlite',
  'better-sqlite3, the database exists': 'better-sqlite3',
};

const directory = temporaryDirectory();
const rows = Object.entries(programs).map(([name, program]) => ({
  name,
  program,
  values: /** @type {number[]} */ ([]),
}));
/** @param {string} name */
const valuesOf = (name) => rows.find((row) => row.name === name)?.values ?? [];

// The first round makes the databases and brings the files into the cache.
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const { program, values } of rows) {
    const time = start(program);
    if (round > 0) values.push(time);
  }
}

const addon = addonFile();
const addonSize = statSync(addon).size;
report([
  {
    title: 'Start, answer, end',
    unit: 'ns',
    compared: 'over',
    rows,
    goals: [
      { goal: 'startPrivate', figure: overEmpty(PRIVATE) },
      { goal: 'startDatabase', figure: overEmpty(DATABASE) },
    ],
    notes: ['The goals are judged by the median of the differences to the empty script of the same round.'],
  },
  {
    title: 'The addon, as published without symbols',
    unit: 'bytes',
    rows: [{ name: `\`${basename(addon)}\``, values: [addonSize] }],
    goals: [{ goal: 'addonSize', figure: addonSize }],
  },
]);

/**
 * @param {string} program
 * @returns {number} nanoseconds until it has ended
 */
function start(program) {
  const file = fileURLToPath(new URL(`start/${program}.mjs`, import.meta.url));
  const own = join(directory, program);
  mkdirSync(own, { recursive: true });
  const begin = process.hrtime.bigint();
  const { status, signal } = spawnSync(process.execPath, [file, own], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  const time = Number(process.hrtime.bigint() - begin);
  if (status !== 0) throw new Error(`${file} ended with ${signal ?? status}`);
  return time;
}

/** @param {string} name */
function overEmpty(name) {
  const empty = valuesOf(EMPTY);
  return median(valuesOf(name).map((value, round) => value - (empty[round] ?? Number.NaN)));
}
