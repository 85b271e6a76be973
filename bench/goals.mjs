// @ts-check
// What the benchmarks are to show. `raw` is `(Atomics.load(view, 2) & mask) !== 0`, inlined by hand. Ratios are of figures
// of one run; absolute times are goals for the machine that RESULTS.md names.
import { show } from './lib/figures.mjs';
import { isShort } from './lib/settings.mjs';

/**
 * @typedef {object} Goal
 * @property {string} what
 * @property {number | { bun: number, node: number }} [atMost]
 * @property {number | { bun: number, node: number }} [atLeast]
 * @property {import('./lib/figures.mjs').Unit} unit
 *
 * @typedef {keyof typeof goals} GoalId
 */

export const goals = /** @satisfies {Record<string, Goal>} */ (
  /** @type {const} */ ({
    readConstant: { what: "`isFeatureEnabled('debug')` against raw", atMost: { bun: 1.3, node: 1.5 }, unit: 'times' },
    readVarying: { what: '`isFeatureEnabled(name)`, names varying, against raw', atMost: 2.5, unit: 'times' },
    readAfterUnknown: {
      what: '`isFeatureEnabled(name)` after unknown names were refused, against before',
      atMost: 1.15,
      unit: 'times',
    },
    readMany: { what: '256 features in turn, against eight of eleven', atMost: 1.5, unit: 'times' },
    readManyInTurn: { what: '256 features in turn, against eight of them', atMost: 1.1, unit: 'times' },
    readHandle: { what: "`feature('debug').enabled` against raw", atMost: 1.2, unit: 'times' },
    readFlagLibraries: {
      what: 'names varying, faster than the fastest flag library',
      atLeast: { bun: 30, node: 20 },
      unit: 'times',
    },
    readLmdb: { what: 'names varying, faster than lmdb', atLeast: 20, unit: 'times' },
    readSqlite: { what: 'names varying, faster than SQLite', atLeast: 150, unit: 'times' },
    rollout: { what: '`isFeatureEnabledFor(name, key)`, 16 characters', atMost: 40, unit: 'ns' },
    rolloutPeers: {
      what: '`isFeatureEnabledFor`, faster than the fastest library with rollouts',
      atLeast: 6,
      unit: 'times',
    },
    viewSame: { what: '`getDebugView()`, nothing changed', atMost: 30, unit: 'ns' },
    viewChanged: { what: '`getDebugView()` after a flip', atMost: 500, unit: 'ns' },
    viewMany: { what: '`getDebugView()` of a new state, 256 features against 11', atMost: 4, unit: 'times' },
    flip: { what: '`enableFeature`, `disableFeature`', atMost: { bun: 10, node: 30 }, unit: 'ns' },
    flipNothing: { what: 'a flip that changes nothing, against raw', atMost: 2, unit: 'times' },
    persist: { what: '`persist` against an insert of the same row', atMost: 1.25, unit: 'times' },
    persistMany: { what: '`persist` of 256 features against that of 11', atMost: 1.15, unit: 'times' },
    persistSync: { what: '`persistSync` against an insert of the same row', atMost: 1.25, unit: 'times' },
    persistTogetherRow: {
      what: '64 `persist` at once, each against a row of one transaction of 64 inserts',
      atMost: 2.5,
      unit: 'times',
    },
    persistTogether: { what: '64 `persist` at once, faster each than one after the other', atLeast: 20, unit: 'times' },
    startPrivate: { what: 'import and create, private, over an empty script', atMost: 5e6, unit: 'ns' },
    startDatabase: { what: 'import and create with a database, over an empty script', atMost: 12e6, unit: 'ns' },
    addonSize: { what: 'the addon', atMost: 3 * 2 ** 20, unit: 'bytes' },
    configMemory: { what: 'resident memory of each of 10,000 private configs', atMost: 1024, unit: 'bytes' },
    scaleOpen: { what: 'open, against 100 revisions', atMost: 2, unit: 'times' },
    scaleLoad: { what: '`load`, against 100 revisions', atMost: 2, unit: 'times' },
    scaleHistory: { what: '`getHistory(50)`, against 100 revisions', atMost: 2, unit: 'times' },
    scaleRollback: { what: '`rollback`, against 100 revisions', atMost: 2, unit: 'times' },
    scaleBytes: { what: 'file size of a revision', atMost: 200, unit: 'bytes' },
    scaleVerify: { what: '`verify`', atLeast: 300_000, unit: 'per second' },
    spinThreads: { what: 'a flip seen by another thread', atMost: 250, unit: 'ns' },
    spinProcesses: { what: 'a flip seen by another process', atMost: 250, unit: 'ns' },
    toldProcess: {
      what: "a change to another process's listener, against `process.send`",
      atMost: { bun: 2.5, node: 1.5 },
      unit: 'times',
    },
    toldRedis: { what: "a change to another process's listener, against Redis", atMost: 1, unit: 'times' },
    toldThread: {
      what: "a change to another thread's listener, against `postMessage`",
      atMost: { bun: 2.5, node: 1.5 },
      unit: 'times',
    },
  })
);

/**
 * @param {GoalId} id
 * @param {number} figure
 * @param {boolean} onBun
 * @param {string} [unjudged] why the figure is only printed
 * @returns {{ what: string, limit: string, figure: string, isMet: boolean }}
 */
export function judge(id, figure, onBun, unjudged) {
  /** @type {Goal} */
  const { what, atMost, atLeast, unit } = goals[id];
  const given = atMost ?? atLeast ?? Number.NaN;
  const limit = typeof given === 'number' ? given : given[onBun ? 'bun' : 'node'];
  return {
    what,
    limit: `at ${atMost === undefined ? 'least' : 'most'} ${show(limit, unit)}`,
    figure: `${show(figure, unit)}${unjudged === undefined ? '' : ' (not judged)'}`,
    isMet: unjudged !== undefined || (atMost === undefined ? figure >= limit : figure <= limit),
  };
}

/**
 * @param {GoalId} id
 * @param {number} measured
 * @param {boolean} onBun
 * @param {string} [unjudged] why the figure is only printed
 */
export function goalLine(id, measured, onBun, unjudged) {
  const { what, limit, figure, isMet } = judge(id, measured, onBun);
  const reason = isShort ? 'in a short run' : unjudged;
  const verdict = reason ? `not judged ${reason}` : isMet ? 'met' : '**not met**';
  return `Goal, ${what}, ${limit}: ${figure}, ${verdict}`;
}
