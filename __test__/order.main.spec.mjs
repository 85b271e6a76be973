import assert from 'node:assert/strict';
import { changeTogether } from './children/everybody.mjs';
import { checkOrder } from './children/order-model.mjs';
import { makeWriters, playRound, playRounds, readAll, startReader } from './children/order-rounds.mjs';
import { anySeed } from './children/random.mjs';
import { suite } from './harness/suite.mjs';
import { allRuntimes } from '../scripts/lib/runtimes.mjs';

const [SNAPSHOT, COMMIT] = [0, 1];

/** The delta of a revision that changed nothing: no terminal, and no bit of a bank. */
const NOTHING = '0000000000';

/** What would not be true, and the rule that it breaks. */
const LIES = [
  ['a', 'a revision is lost', (told) => remove(told, acknowledged(told).at(-1).revision)],
  ['a', 'it has another reason', ({ rows }) => void (rows.at(-1).reason = 'another')],
  ['a', 'it is of another kind', (told) => void (acknowledged(told).at(-1).kind = 'neither')],
  ['a', 'it is by somebody else', (told) => void (acknowledged(told).at(-1).actor = 'nobody')],
  ['a', 'two that followed one another are the other way around', (told) => exchange(told.rows, 'reason', 0, -1)],
  ['b', 'a restart brings something else', ({ state }) => void (state.shared.enabled = !state.shared.enabled)],
  ['b', 'a snapshot changed more than it says', ({ rows }) => void (changing(rows, SNAPSHOT)[0].delta = NOTHING)],
  ['c', 'a commit changed less than it set', ({ rows }) => void (changing(rows, COMMIT)[0].delta = NOTHING)],
  ['c', 'a commit changed what it did not set', ({ rows }) => void (changing(rows, COMMIT)[0].delta = '00ff010000')],
  ['d', 'a feature was not flipped by those who changed it', (told) => withoutFlips(told)],
  ['d', 'a feature was flipped to something else', ({ lines }) => lines.forEach(flipElsewhere)],
  ['e', 'an older snapshot is in effect over a newer one', ({ rows }) => exchange(ofOne(rows), 'ticket', 0, 1)],
  ['f', 'what others have persisted was not live', ({ lines }) => lines.forEach(liveElsewhere)],
];

// The long versions are `npm run soak`.
export default suite('order', {
  async 'four processes, killed at random: the history and the state are what they were told'(t) {
    const paths = await mixed();
    const counts = await playRounds({ directory: t.tempDir(), rounds: 20, paths, seed: anySeed(), after: t.after });
    assert.equal(counts.rounds, 20);
    assert.ok(counts.exact > 100 && counts.ends > 20, JSON.stringify(counts));
  },

  async 'a history that does not agree with what they were told is noticed'(t) {
    const startWriter = makeWriters([process.execPath], t.after);
    const played = await playRound({ directory: t.tempDir(), round: 1, seed: anySeed(), startWriter });
    const found = await readAll({ ...played, readRows: startReader(t.after) });
    checkOrder(structuredClone(found));
    for (const [letter, what, lie] of LIES) {
      const told = structuredClone(found);
      lie(told);
      assert.throws(
        () => checkOrder(told),
        ({ message }) => message.startsWith(`${letter}: `),
        `${letter}: ${what}`,
      );
    }
  },

  async 'two programs, a cluster and the command line: nobody reverts or is blamed for what another did'(t) {
    const paths = await mixed();
    const counts = await changeTogether({ directory: t.tempDir(), ms: 3000, paths, seed: anySeed(), after: t.after });
    assert.ok(counts.commands > 2 && counts.exact > 50, JSON.stringify(counts));
  },
});

function acknowledged({ lines }) {
  return lines.filter(({ op }) => op === 'acknowledged').toSorted((a, b) => a.revision - b.revision);
}

function remove(told, revision) {
  told.rows = told.rows.filter(({ id }) => id !== revision);
}

function changing(rows, kind) {
  return rows.filter((row) => row.kind === kind && row.delta !== null && row.delta !== NOTHING);
}

function exchange(list, field, one, other) {
  const [first, second] = [list.at(one), list.at(other)];
  [first[field], second[field]] = [second[field], first[field]];
}

/** The snapshots of one live state. */
function ofOne(rows) {
  const all = changing(rows, SNAPSHOT);
  const { page: wanted } = all.find((row) => all.filter(({ page }) => page === row.page).length > 1);
  return all.filter(({ page }) => page === wanted);
}

function liveElsewhere({ live = [] }) {
  for (const value of live) value.rollout = 1;
}

function withoutFlips(told) {
  told.lines = told.lines.filter(({ op }) => op !== 'set');
}

function flipElsewhere(line) {
  if (line.op === 'set') line.rollout += 1000;
}

/** This runtime, and one of the other kind where there is one. */
async function mixed() {
  const { runtimes } = await allRuntimes();
  const kind = process.versions.bun ? 'node' : 'bun';
  const other = runtimes.findLast(({ name }) => name === kind);
  return [process.execPath, other?.path ?? process.execPath];
}
