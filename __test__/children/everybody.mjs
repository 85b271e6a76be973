// Everybody who changes the flags of one machine at the same time: two programs that share nothing but the database, two
// processes that share a live state, and the command line.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { result } from '../harness/command-line.mjs';
import { checkOrder } from './order-model.mjs';
import { explain, makeWriters, numbersOf, readAll, startReader } from './order-rounds.mjs';
import { makeRandom } from './random.mjs';

const ENVIRONMENT = 'everybody';
const COMMANDS = ['command_a', 'command_b'];

/** The writers, and whether they share a live state. */
const WRITERS = [false, false, true, true];

/**
 * Has all of them change their own features and one that all share for a while. Each looks at its own features after
 * every revision that it writes, and the history may say of nobody that they changed another's.
 *
 * @param {object} options
 * @param {string} options.directory
 * @param {number} options.ms
 * @param {string[]} options.paths the runtimes of the processes, in turn
 * @param {number} options.seed
 * @param {(cleanup: () => unknown) => void} options.after
 */
export async function changeTogether({ directory, ms, paths, seed, after }) {
  const shared = ['shared'];
  const own = WRITERS.map((_, slot) => [`own_${slot}_a`, `own_${slot}_b`]);
  const options = {
    persistPath: join(directory, 'everybody.db'),
    environment: ENVIRONMENT,
    features: [...own.flat(), ...COMMANDS, ...shared],
  };
  const log = join(directory, 'everybody.log');
  const first = createProductionConfig(options);
  await first.close();
  const startWriter = makeWriters(paths, after);
  const writers = await Promise.all(
    WRITERS.map((enableClusterSync, slot) =>
      startWriter({
        options: { ...options, enableClusterSync },
        by: `${slot}.0`,
        numbers: numbersOf(own[slot], shared, { slot, lives: 1 }),
        log,
        seed: seed + slot,
        rollbacks: 0,
        paceMs: 10,
      }),
    ),
  );
  const commands = await runCommands({ options, names: [...COMMANDS, ...shared], seed, ms, log, after });
  await Promise.all(writers.map((writer) => writer.end()));

  const found = await readAll({ options, log, shared: [...shared, ...COMMANDS], readRows: startReader(after) });
  return explain({ seed, round: 0, lines: found.lines }, () => {
    for (const name of COMMANDS)
      assert.equal(found.state[name].enabled, commands.left.get(name), `d: ${name} at the end`);
    return { commands: commands.count, ...checkOrder(asCommits(found)) };
  });
}

/** The command line, one command after the other. */
async function runCommands({ options, names, seed, ms, log, after }) {
  const { chance, pick } = makeRandom(seed);
  const note = (line) => appendFileSync(log, `${JSON.stringify({ by: 'command', ...line })}\n`);
  const left = new Map(COMMANDS.map((name) => [name, false]));
  const until = performance.now() + ms;
  let count = 0;
  while (performance.now() < until) {
    const [name, on] = [pick(names), chance(0.5)];
    const words = [on ? 'enable' : 'disable', name];
    count += 1;
    const id = `command.${count}`;
    note({ op: 'commit', id, sets: [{ name, on }] });
    const { persisted, revision } = await result({ after }, [
      ...words,
      '--db',
      options.persistPath,
      '--env',
      ENVIRONMENT,
      '--actor',
      'command',
    ]);
    assert.equal(persisted, true, words.join(' '));
    note({ op: 'ran', id, revision, reason: `13byte-config ${words.join(' ')}` });
    left.set(name, on);
  }
  return { count, left };
}

/**
 * As if the command line had logged what it did. It joins the live state that the two processes share. Its reasons are
 * not unique, and it writes nothing where the last revision has what it is to do.
 */
function asCommits({ lines, rows, entries, ...found }) {
  const { page } = lines.find(({ op, by }) => op === 'open' && by === `${WRITERS.indexOf(true)}.0`);
  const ids = new Map();
  const own = rows.filter(({ actor }) => actor === 'command');
  let before = 0;
  const translated = lines.map((line) => {
    if (line.op !== 'ran') return line;
    // What it reports is its own, unless there was nothing to do.
    const { by, id, revision: reported, reason } = line;
    const row = own.find((one) => one.id > before && one.id === reported);
    before = Math.max(before, reported);
    if (!row) return { by, op: 'refused', id };
    assert.equal(row.reason, reason, `a: the reason of revision ${row.id}`);
    ids.set(row.id, id);
    return { by, op: 'acknowledged', id, revision: row.id, kind: 'commit', changeReason: id, actor: by };
  });
  return {
    ...found,
    lines: [{ by: 'command', op: 'open', page }, ...translated],
    rows: rows.map((row) => ({ ...row, reason: ids.get(row.id) ?? row.reason })),
    entries: entries.map((entry) => ({ ...entry, changeReason: ids.get(entry.revision) ?? entry.changeReason })),
  };
}
