// Processes that persist to one database at the same time and are killed, in whatever number the specs and
// `npm run soak` ask for.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { startProgram } from './peers.mjs';

const FEATURES = ['a', 'b'];

/** Two that share one live state, and one that has its own. */
const PERSISTERS = [
  { environment: 'shared', enableClusterSync: true },
  { environment: 'shared', enableClusterSync: true },
  { environment: 'own' },
];

/** After this many kills a new database is begun, so that each check of all its revisions stays quick. */
const KILLS_PER_DATABASE = 20;

/** Revisions that are read at once. */
const PAGE = 5000;

/**
 * Kills persisting processes at random instants, one or all of them at a time, and looks at the database after each:
 * everything that was acknowledged is there, every record is valid, and the chain is whole.
 *
 * @param {{ directory: string, kills: number, paths: string[], after: (cleanup: () => unknown) => void }} options
 *   `paths`: the runtimes of the processes, in turn
 */
export async function killPersisting({ directory, kills, paths, after }) {
  const totals = { kills: 0, checks: 0, acknowledged: 0, revisions: 0, lost: 0, invalid: 0 };
  for (let database = 0; totals.kills < kills; database += 1) {
    const persistPath = join(directory, `persists-${database}.db`);
    const counts = await killOnOne({
      persistPath,
      kills: Math.min(KILLS_PER_DATABASE, kills - totals.kills),
      paths,
      after,
    });
    for (const [name, count] of Object.entries(counts)) totals[name] += count;
    // `lost` and `invalid` have been found to be none.
    assert.deepEqual([totals.lost, totals.invalid], [0, 0]);
  }
  return totals;
}

async function killOnOne({ persistPath, kills, paths, after }) {
  /** Digests by revision, of all processes there were. */
  const acknowledged = new Map();
  const running = PERSISTERS.map(() => undefined);
  const counts = { kills: 0, checks: 0, acknowledged: 0, revisions: 0, lost: 0, invalid: 0 };
  let started = 0;
  let before = 0;
  while (counts.kills < kills) {
    for (const [index, options] of PERSISTERS.entries()) {
      running[index] ??= start(
        index,
        { ...options, persistPath, features: FEATURES },
        paths[started++ % paths.length],
        acknowledged,
        after,
      );
    }
    await Promise.all(running.map((persister) => persister.first));
    await atRandom();
    const everybody = Math.random() < 0.4;
    const victims = everybody ? [...running.keys()] : [Math.floor(Math.random() * running.length)];
    const ended = await Promise.all(victims.map((index) => running[index].kill()));
    for (const { signal, stderr } of ended) assert.equal(signal, 'SIGKILL', `it ended before it was killed: ${stderr}`);
    for (const index of victims) running[index] = undefined;
    counts.kills += victims.length;

    // Taken before looking, since the others go on.
    const expected = [...acknowledged];
    const found = await examine(persistPath);
    counts.checks += 1;
    counts.lost += expected.filter(([revision, digest]) => found.digests.get(revision) !== digest).length;
    counts.invalid += found.invalid;
    assert.deepEqual(
      [counts.lost, counts.invalid],
      [0, 0],
      `after ${counts.kills} kills, of ${expected.length} acknowledged`,
    );
    assert.ok(found.digests.size >= before, 'the history only grows');
    before = found.digests.size;
  }
  await Promise.all(running.map((persister) => persister?.kill()));
  const { digests } = await examine(persistPath);
  assert.deepEqual(
    [...acknowledged].filter(([revision, digest]) => digests.get(revision) !== digest),
    [],
    'nothing is lost at the end',
  );
  counts.acknowledged = acknowledged.size;
  counts.revisions = digests.size;
  return counts;
}

function start(index, options, path, acknowledged, after) {
  const program = startProgram('./persist-together.mjs', { path, args: [JSON.stringify({ options, index })] });
  after(() => program.kill());
  const take = (line) => {
    const [revision, digest] = line.split(' ');
    assert.ok(digest?.length === 64, `not an acknowledgement: ${line}`);
    acknowledged.set(Number(revision), digest);
  };
  const first = program.line().then(take);
  const all = takeAll(program, first, take);
  return {
    first,
    async kill() {
      const ended = await program.kill();
      await all;
      return ended;
    },
  };
}

/** Everything that it wrote before it was killed. */
async function takeAll(program, first, take) {
  await first;
  for (;;) {
    const line = await program.line().catch(() => undefined);
    if (line === undefined) return;
    take(line);
  }
}

/** Opens the database as any program does that comes after the kill. */
async function examine(persistPath) {
  const config = createProductionConfig({ persistPath, environment: 'shared' });
  try {
    const verification = await config.verify();
    assert.deepEqual(verification.problems, []);
    assert.equal(verification.ok, true);
    assert.deepEqual(config.validate(), { isValid: true, errors: [] });
    const digests = new Map();
    let invalid = 0;
    for (const environment of ['shared', 'own']) {
      const reader = createProductionConfig({ persistPath, environment, readOnly: true });
      try {
        for (
          let page = await reader.getHistory(PAGE);
          page.length > 0;
          page = await reader.getHistory(PAGE, { before: page.at(-1).revision })
        ) {
          for (const { revision, digest, configHex } of page) {
            digests.set(revision, digest);
            if (!isValid(configHex)) invalid += 1;
          }
        }
      } finally {
        await reader.close();
      }
    }
    return { digests, invalid };
  } finally {
    await config.close();
  }
}

/** One of the states that the processes persist. */
function isValid(hex) {
  const bytes = Buffer.from(hex.slice(2), 'hex');
  const [version, mode, rows, cols, reserved] = [0, 9, 10, 11, 12].map((place) => bytes[place]);
  const flags = bytes.readUInt32LE(5);
  const fresh = mode === 2 && rows === 24 && cols === 80;
  const persisted = mode <= 3 && rows >= 1 && cols >= 1 && cols <= PERSISTERS.length;
  return bytes.length === 13 && version === 1 && flags < 4 && (fresh || persisted) && reserved === 0;
}

/** Some instant within the next few milliseconds. There is no state to wait for: any instant has to do. */
function atRandom() {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.random() * 25);
  });
}
