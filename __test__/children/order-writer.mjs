// Changes features of its own and one that all share, and persists, commits and rolls back, as one of several processes
// that do the same to one database: one task after the other, each a line of its input, until the line `end` or a kill.
// It appends a line to the log of the task before each of these and after each acknowledgement. What one process appends
// before another does happened before, and a kill takes no line back.
import { closeSync, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { createProductionConfig } from '13byte-config';
import { makeRandom } from './random.mjs';

let over = new AbortController();
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'end') over.abort();
  else {
    over = new AbortController();
    void play(JSON.parse(line), over.signal);
  }
});

async function play({ options, by, numbers, log, seed, rollbacks, paceMs }, signal) {
  const { chance, below, pick } = makeRandom(seed);
  const file = openSync(log, 'a');
  const note = (line) => writeSync(file, `${JSON.stringify({ by, ...line })}\n`);
  const config = createProductionConfig({ ...options, actor: by });
  note({ op: 'open', page: config.share().pageId });

  const names = Object.keys(numbers);
  // In a live state of its own, these change by what others persist only.
  const others = options.enableClusterSync ? [] : options.features.filter((name) => !names.includes(name));
  /** Every own feature as this process left it, where nobody rolls back. */
  const left = new Map();
  const pending = new Set();
  let writes = 0;

  /** A value that the feature never had: a rollout, and a switch that follows from it. */
  function next(name) {
    const range = numbers[name];
    if (range.next === range.end) return undefined;
    range.next += 1;
    return { name, rollout: range.next, on: range.next % 2 === 1 };
  }

  /** The value that it has. */
  function current(name) {
    return { name, rollout: Math.round(config.getRollout(name) * 100), on: config.isFeatureEnabled(name) };
  }

  function remember({ name, rollout, on }) {
    if (numbers[name].own && rollbacks === 0) left.set(name, { name, rollout, on });
  }

  function flip() {
    const value = next(pick(names));
    if (!value) return;
    const { name, rollout, on } = value;
    note({ op: 'set', name, rollout });
    config.setRollout(name, rollout / 100);
    if (on) config.enableFeature(name);
    else config.disableFeature(name);
    remember(value);
  }

  /** Writes a revision whose reason tells which call it was. */
  async function write(op, call, about = {}) {
    writes += 1;
    const id = `${by}.${writes}`;
    note({ op, id, ...about });
    try {
      const { revision, kind, changeReason, actor } = await call(id);
      note({ op: 'acknowledged', id, revision, kind, changeReason, actor, live: others.map(current) });
    } catch (error) {
      if (op !== 'rollback' || error.code !== 'ERR_NOTHING_TO_ROLL_BACK') throw error;
      note({ op: 'refused', id });
    }
    for (const value of left.values()) {
      const now = current(value.name);
      if (now.rollout !== value.rollout || now.on !== value.on)
        throw new Error(`${by} left ${JSON.stringify(value)}, and after ${op} ${id} it is ${JSON.stringify(now)}`);
    }
  }

  function commit() {
    const sets = [...new Set([pick(names), pick(names)])].map((name) => (chance(0.3) ? current(name) : next(name)));
    const known = sets.filter(Boolean);
    if (known.length === 0) return undefined;
    // It is one or the other until it is acknowledged.
    for (const { name } of known) left.delete(name);
    return write(
      'commit',
      async (reason) => {
        const entry = await config.commit((draft) => {
          for (const { name, rollout, on } of known) {
            draft.rollout(name, rollout / 100);
            draft.set(name, on);
          }
        }, reason);
        for (const value of known) remember(value);
        return entry;
      },
      { sets: known },
    );
  }

  function persistLater() {
    const persisted = write('persist', (reason) => config.persist(reason)).finally(() => pending.delete(persisted));
    pending.add(persisted);
  }

  async function step() {
    for (let count = below(4); count > 0; count -= 1) flip();
    if (chance(rollbacks)) await write('rollback', (reason) => config.rollback(undefined, { reason }));
    else if (chance(0.3)) await commit();
    else if (chance(0.2)) await write('persistSync', (reason) => config.persistSync(reason));
    else if (chance(0.5) && pending.size < 4) persistLater();
    else await write('persist', (reason) => config.persist(reason));
  }

  writeSync(1, 'ready\n');
  while (!signal.aborted) {
    await step();
    await (paceMs ? setTimeout(paceMs) : setImmediate());
  }
  await Promise.all(pending);
  await write('persist', (reason) => config.persist(reason));
  await config.close();
  closeSync(file);
  writeSync(1, 'done\n');
}
