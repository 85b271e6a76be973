// What the specs and `npm run soak` do with many processes at once, in whatever size they ask for. Each of them throws
// when a promise is broken, and returns what it counted.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createProductionConfig } from '13byte-config';
import { readLiveFile, startProgram } from './peers.mjs';

/**
 * Processes whose threads each flip a feature of their own as fast as they can, all at once, while the main threads
 * read.
 *
 * @param {{ directory: string, paths: string[], threads: number, flips: number, after: (cleanup: () => unknown) => void }} options
 *   `paths`: the runtime of each process
 */
export async function flipTogether({ directory, paths, threads, flips, after }) {
  const own = paths.flatMap((_, process) =>
    Array.from({ length: threads }, (_thread, index) => `own_${process}_${index}`),
  );
  const features = ['go', ...own];
  const options = {
    persistPath: join(directory, 'config.db'),
    enableClusterSync: true,
    environment: 'stress',
    features,
  };
  const config = createProductionConfig(options);
  after(() => config.close());
  const programs = paths.map((path, process) => {
    const names = own.filter((name) => name.startsWith(`own_${process}_`));
    const program = startProgram('./flip-own.mjs', { path, args: [JSON.stringify({ options, names, flips })] });
    after(() => program.kill());
    return program;
  });
  for (const program of programs) assert.equal(await program.line(), 'ready');
  config.enableFeature('go');
  const counts = await Promise.all(programs.map(async (program) => JSON.parse(await program.line())));
  const sum = (field) => counts.reduce((total, count) => total + count[field], 0);

  assert.equal(sum('flips'), own.length * flips, 'every flip changed something');
  assert.equal(sum('invalid'), 0, 'no reader saw an invalid record');
  assert.equal(config.getDebugView().generation, own.length * flips + 1, 'every flip was counted');
  assert.deepEqual(config.getEnabledFeatures(), flips % 2 === 1 ? features : ['go'], 'the last state is right');
  assert.deepEqual(config.validate(), { isValid: true, errors: [] });
  return { processes: paths.length, threads: own.length, flips: sum('flips'), reads: sum('reads') };
}

/**
 * Processes that set one of two terminals, in turn, as fast as they can, while others read. (Each only one of them would
 * change it at the pace of the scheduler, where there are fewer cores than processes.)
 *
 * @param {{ directory: string, writers: string[], readers: string[], reads: number, after: (cleanup: () => unknown) => void }} options
 *   `writers` and `readers`: the runtime of each; `reads`: of all readers together, at least
 */
export async function mixTerminals({ directory, writers, readers, reads, after }) {
  const terminals = [
    [1, 11, 11],
    [2, 222, 222],
  ];
  const options = {
    persistPath: join(directory, 'config.db'),
    enableClusterSync: true,
    environment: 'stress',
    features: ['done'],
  };
  const config = createProductionConfig(options);
  after(() => config.close());
  config.setTerminalSettings(...terminals[0]);
  const start = (path, task) => {
    const program = startProgram('./terminals.mjs', { path, args: [JSON.stringify({ options, ...task })] });
    after(() => program.kill());
    return program;
  };
  const writing = writers.map((path, index) =>
    start(path, { write: index % 2 === 0 ? terminals : terminals.toReversed() }),
  );
  for (const program of writing) assert.equal(await program.line(), 'ready');
  const reading = readers.map((path) => start(path, { reads: Math.ceil(reads / readers.length) }));
  const counts = await Promise.all(reading.map(async (program) => JSON.parse(await program.line())));
  config.enableFeature('done');
  const writes = await Promise.all(writing.map(async (program) => JSON.parse(await program.line()).writes));
  const sum = (field) => counts.reduce((total, count) => total + count[field], 0);
  assert.equal(sum('mixed'), 0, 'no reader saw half of each');
  assert.ok(sum('changes') > 0, 'and they did change while they were read');
  return { writes: writes.reduce((total, count) => total + count), reads: sum('reads'), changes: sum('changes') };
}

const STATES = {
  A: { enabled: ['a', 'c'], terminal: [1, 11, 11] },
  B: { enabled: ['b', 'd'], terminal: [2, 222, 222] },
};

/**
 * Kills processes at a random instant of what they do all the time, and checks what the others are left with.
 *
 * @param {{ directory: string, what: 'flip' | 'rollback' | 'open', rounds: number, paths: string[], after: (cleanup: () => unknown) => void }} options
 *   `paths`: the runtimes of the processes that are killed, in turn
 */
export async function killAtRandom({ directory, what, rounds, paths, after }) {
  const options = {
    persistPath: join(directory, `${what}.db`),
    enableClusterSync: true,
    environment: 'kills',
    features: ['a', 'b', 'c', 'd'],
  };
  const live = `${options.persistPath}-live-kills`;
  const survivor = createProductionConfig(options);
  after(() => survivor.close());
  const revisions = [];
  for (const { enabled, terminal } of Object.values(STATES)) {
    survivor.update((draft) => {
      draft.disable('a', 'b', 'c', 'd');
      draft.enable(...enabled);
      draft.terminal(...terminal);
    });
    revisions.push((await survivor.persist()).revision);
  }
  const seen = {};
  let halfMade = 0;
  for (let round = 0; round < rounds; round += 1) {
    const args = [JSON.stringify({ what, options, revisions, round })];
    const program = startProgram('./kill-me.mjs', { path: paths[round % paths.length], args });
    after(() => program.kill());
    assert.equal(await program.line(), 'ready');
    await atRandom();
    assert.equal((await program.kill()).signal, 'SIGKILL', 'it was killed in the midst of it');

    if (what === 'rollback') {
      if (readLiveFile(live).isUnfinished) halfMade += 1;
      // Whoever has the page open completes what was begun.
      while (readLiveFile(live).isUnfinished) await setImmediate();
      const state = stateOf(survivor);
      assert.ok(state !== undefined, `half of a change: ${survivor.toHex()}`);
      seen[state] = (seen[state] ?? 0) + 1;
      // And goes on with it.
      const other = state === 'A' ? 'B' : 'A';
      await survivor.rollback(revisions[other === 'A' ? 0 : 1]);
      assert.equal(stateOf(survivor), other);
    } else if (what === 'open') {
      checkOpened(options, round);
    } else {
      assert.deepEqual(survivor.getTerminalSettings(), { mode: 2, rows: 222, cols: 222 });
      assert.ok(
        survivor.isFeatureEnabled('b') && survivor.isFeatureEnabled('d') && !survivor.isFeatureEnabled('a'),
        survivor.toHex(),
      );
    }
    assert.deepEqual(survivor.validate(), { isValid: true, errors: [] });
    const generation = readLiveFile(live).generation;
    survivor.toggleFeature('a');
    survivor.toggleFeature('a');
    assert.equal(readLiveFile(live).generation, (generation + 2) >>> 0, 'survivors keep working');
  }
  const next = startProgram('./kill-me.mjs', { args: [JSON.stringify({ what: 'look', options })] });
  after(() => next.kill());
  assert.equal(await next.line(), survivor.toHex(), 'the next one attaches');
  await next.closed;
  return { rounds, ...(what === 'rollback' && { halfMade, ...seen }) };
}

/** Rounds in which everybody is killed, and the next one starts from the last persisted revision. */
export async function killAll({ directory, rounds, paths, after }) {
  const options = {
    persistPath: join(directory, 'all.db'),
    enableClusterSync: true,
    environment: 'kills',
    features: ['a', 'b', 'c', 'd'],
  };
  let halfMade = 0;
  for (let round = 0; round < rounds; round += 1) {
    const programs = [0, 1].map((index) => {
      const args = [JSON.stringify({ what: 'persist', options, round, index })];
      const program = startProgram('./kill-me.mjs', { path: paths[(round + index) % paths.length], args });
      after(() => program.kill());
      return program;
    });
    for (const program of programs) assert.equal(await program.line(), 'ready');
    await atRandom();
    await Promise.all(programs.map((program) => program.kill()));
    if (readLiveFile(`${options.persistPath}-live-kills`).isUnfinished) halfMade += 1;

    const next = startProgram('./kill-me.mjs', { args: [JSON.stringify({ what: 'last', options })] });
    after(() => next.kill());
    const { live, last, isUnfinished, errors } = JSON.parse(await next.line());
    assert.equal(live, last, 'the next one starts from what was persisted last');
    assert.deepEqual([isUnfinished, errors], [false, []]);
    await next.closed;
  }
  return { rounds, halfMade };
}

/**
 * What a process keeps of threads that were terminated. Every thread takes megabytes, so a leak of one in ten would
 * show. Measured on Linux: allocators hold back up to 14 MiB after 200 threads and up to 17 MiB after 1,000.
 */
const MEMORY_MARGIN_MIB = 48;

/** Threads that attach, read, write and persist, and are terminated at a random moment. */
export async function terminateThreads({ directory, path, rounds, after }) {
  const args = [JSON.stringify({ persistPath: join(directory, 'threads.db'), rounds })];
  const program = startProgram('./terminated-threads.mjs', { path, args });
  after(() => program.kill());
  const counts = JSON.parse(await program.line());
  const { code, signal, stderr } = await program.closed;
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' }, 'no crash and no hang');
  assert.ok(counts.works, 'the process still works');
  assert.equal(counts.reopened, 'a,c');
  const mapped = process.platform === 'linux' ? 1 : 0;
  assert.deepEqual([counts.before.mapped, counts.after.mapped], [mapped, mapped], 'one mapping, as before');
  assert.ok(counts.closed.mapped <= 1, 'and at most the one whose buffer looks alive after closing');
  assert.ok(
    counts.after.threads <= counts.before.threads + 1,
    `${counts.before.threads} threads became ${counts.after.threads}`,
  );
  assert.ok(
    counts.after.open.length <= counts.before.open.length,
    `open files: ${counts.before.open.join(', ')}; afterwards: ${counts.after.open.join(', ')}`,
  );
  const grown = counts.after.residentMiB - counts.before.residentMiB;
  assert.ok(grown <= MEMORY_MARGIN_MIB, `resident memory grew by ${grown} MiB`);
  const { before, after: end } = counts;
  return {
    rounds,
    mapped: end.mapped,
    openFiles: `${before.open.length} → ${end.open.length}`,
    threads: `${before.threads} → ${end.threads}`,
    residentMiB: `${before.residentMiB} → ${end.residentMiB}`,
    ...counts.stages,
  };
}

function stateOf(config) {
  const { mode, rows, cols } = config.getTerminalSettings();
  const now = JSON.stringify([config.getEnabledFeatures(), [mode, rows, cols]]);
  return Object.keys(STATES).find((name) => JSON.stringify([STATES[name].enabled, STATES[name].terminal]) === now);
}

/** Every live file that the killed process made, and the next one that it would have made. */
function checkOpened(options, round) {
  for (let index = 0; ; index += 1) {
    const environment = `kills-${round}-${index}`;
    let isLast = false;
    try {
      readLiveFile(`${options.persistPath}-live-${environment}`);
    } catch {
      isLast = true;
    }
    const config = createProductionConfig({ ...options, environment });
    try {
      assert.deepEqual(config.getEnabledFeatures(), []);
      assert.deepEqual(config.getFeatureNames(), options.features);
      assert.deepEqual(config.validate(), { isValid: true, errors: [] });
    } finally {
      config.destroy();
    }
    if (isLast) return;
  }
}

/** Some instant within the next few milliseconds. There is no state to wait for: any instant has to do. */
function atRandom() {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.random() * 15);
  });
}
