// Rounds in which several processes change one database as fast as they can, and are killed, in whatever number the specs
// and `npm run soak` ask for; and what is checked after each of them.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createProductionConfig } from '13byte-config';
import { checkOrder } from './order-model.mjs';
import { pathOfRuntimeWithSqlite } from './other-sqlite.mjs';
import { startProgram } from './peers.mjs';
import { makeRandom } from './random.mjs';

const WRITERS = 4;

/** How many of the writers share a live state; the others have one of their own. */
const LAYOUTS = [4, 2, 0, 3];

/** A rollout is a number up to this, and each process gets a part of them for each feature. */
const VALUES = 10_000;
const LIVES = 5;

/** Revisions that are read at once. */
const PAGE = 5000;

/** Lines of the log that a failure shows. */
const SHOWN = 60;

/**
 * @param {object} options
 * @param {string} options.directory
 * @param {number} options.rounds
 * @param {string[]} options.paths the runtimes of the processes, in turn
 * @param {number} options.seed
 * @param {(cleanup: () => unknown) => void} options.after
 */
export async function playRounds({ directory, rounds, paths, seed, after }) {
  const readRows = startReader(after);
  const startWriter = makeWriters(paths, after);
  const totals = { rounds: 0, kills: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const played = await playRound({ directory, round, seed: seed + round, startWriter });
    const found = await readAll({ ...played, readRows });
    const counts = explain({ seed, round, lines: found.lines }, () => checkOrder(found));
    totals.rounds += 1;
    totals.kills += played.kills;
    for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count;
  }
  return totals;
}

/** One round. Returns where its database and its log are. */
export async function playRound({ directory, round, seed, startWriter }) {
  const { below, chance } = makeRandom(seed);
  const log = join(directory, `order-${round}.log`);
  const shared = ['shared'];
  const own = Array.from({ length: WRITERS }, (_, slot) => [`own_${slot}_a`, `own_${slot}_b`]);
  const options = {
    persistPath: join(directory, `order-${round}.db`),
    environment: 'order',
    features: [...own.flat(), ...shared],
  };
  const together = LAYOUTS[round % LAYOUTS.length];
  // In half of the rounds: where nobody rolls back, more can be said of how it ends.
  const rollbacks = Math.floor(round / LAYOUTS.length) % 2 === 0 ? 0 : 0.05;
  const lives = Array.from({ length: WRITERS }, () => 0);
  const start = async (slot) => {
    const life = lives[slot]++;
    return startWriter({
      options: { ...options, enableClusterSync: slot < together },
      by: `${slot}.${life}`,
      numbers: numbersOf(own[slot], shared, { slot, life }),
      log,
      seed: below(2 ** 32),
      rollbacks,
    });
  };
  const running = await Promise.all(own.map((_, slot) => start(slot)));
  let kills = 0;
  for (let kill = chance(0.3) ? 2 : 1; kill > 0; kill -= 1) {
    await setTimeout(below(25));
    const victims = chance(0.1) ? [...running.keys()] : [below(WRITERS)];
    kills += victims.length;
    await Promise.all(
      victims.map(async (slot) => {
        await running[slot].kill();
        running[slot] = await start(slot);
      }),
    );
  }
  await setTimeout(below(25));
  const isKilled = chance(0.15);
  await Promise.all(running.map((writer) => (isKilled ? writer.kill() : writer.end())));
  return { options, log, shared, kills: kills + (isKilled ? running.length : 0) };
}

/** The values that a process may set: of its own features in the order of its lives, of the others in its part. */
export function numbersOf(own, shared, { slot, slots = WRITERS, life = 0, lives = LIVES }) {
  const range = (from, values) => {
    const each = Math.floor((values - 1) / lives);
    return { next: from + each * life, end: from + each * (life + 1) };
  };
  const part = Math.floor(VALUES / slots);
  return Object.fromEntries([
    ...own.map((name) => [name, { ...range(0, VALUES), own: true }]),
    ...shared.map((name) => [name, range(part * slot, part)]),
  ]);
}

/** Starts writers of the runtimes in turn. One that has ended a task takes the next one, since starting takes long. */
export function makeWriters(paths, after) {
  const idle = [];
  let started = 0;
  const startProcess = () => {
    const program = startProgram('./order-writer.mjs', { path: paths[started++ % paths.length] });
    after(() => program.kill());
    return program;
  };
  /** A writer that is at work. */
  return async function start(task) {
    const program = idle.shift() ?? startProcess();
    program.send(JSON.stringify(task));
    await program.line();
    const noteGone = () => appendFileSync(task.log, `${JSON.stringify({ by: task.by, op: 'gone' })}\n`);
    return {
      async kill() {
        const { code, signal, stderr } = await program.kill();
        noteGone();
        if (signal !== 'SIGKILL') throw new Error(`${task.by} ended with ${code} before it was killed: ${stderr}`);
      },
      async end() {
        program.send('end');
        await program.line();
        noteGone();
        idle.push(program);
      },
    };
  };
}

/** Reads databases by the SQLite of a runtime that has one. */
export function startReader(after) {
  const reader = startProgram('./read-revisions.mjs', { path: pathOfRuntimeWithSqlite() });
  after(() => reader.kill());
  return async (path) => {
    reader.send(path);
    return JSON.parse(await reader.line());
  };
}

/** What a program finds that opens the database when all others are gone, and the log. */
export async function readAll({ options, log, shared, readRows }) {
  const { persistPath, environment } = options;
  const config = createProductionConfig({ persistPath, environment });
  const entries = [];
  let state;
  try {
    ({ features: state } = config.getState());
    const { problems } = await config.verify();
    if (problems.length > 0) throw new Error(`The history is broken: ${JSON.stringify(problems)}`);
    for (
      let page = await config.getHistory(PAGE);
      page.length > 0;
      page = await config.getHistory(PAGE, { before: page.at(-1).revision })
    ) {
      entries.push(...page);
    }
  } finally {
    await config.close();
  }
  const lines = readFileSync(log, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return { lines, ...(await readRows(persistPath)), entries: entries.toReversed(), state, shared };
}

/** Adds what it takes to look into a failure. */
export function explain({ seed, round, lines }, check) {
  try {
    return check();
  } catch (error) {
    const shown = lines.slice(-SHOWN).map((line) => JSON.stringify(line));
    error.message += `\nseed ${seed}, round ${round}; the last lines of its log:\n${shown.join('\n')}`;
    throw error;
  }
}
