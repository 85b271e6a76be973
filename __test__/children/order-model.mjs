// What the rules of `docs/durability.md`, "Whose change it is", demand of a history, given what its writers have logged.
// Every value that a writer sets is a new one, so a value tells which call set it.
import assert from 'node:assert/strict';

const FRESH = { on: false, rollout: 10_000 };

/**
 * Compares a history with the log of those who wrote it, see `order-writer.mjs`. Throws at the first contradiction;
 * its message begins with the letter of the rule:
 *
 * - a: what was acknowledged is there, with reason, kind and actor, in an order that agrees with time
 * - b: what each revision changed, one after the other, gives the state of each, and the one in effect
 * - c: a commit changes what it sets, and nothing else
 * - d: a snapshot changes what its live state has changed since its last one, and nothing else; no change is lost
 * - e: of two snapshots of one live state, the one that was taken later is in effect
 * - f: what others have persisted is live once a revision is acknowledged
 *
 * @param {object} found
 * @param {object[]} found.lines the log
 * @param {{ bit: number, name: string }[]} found.features
 * @param {object[]} found.rows revisions as they are in the file, the oldest first
 * @param {object[]} found.entries the same as `getHistory` gives them
 * @param {object} found.state what a program that starts now has
 * @param {string[]} found.shared the features that not only one process changes
 */
export function checkOrder({ lines, features, rows, entries, state, shared }) {
  const { writes, byId, touches } = readLog(lines);
  const revisions = rows.map((row) => readRow(row, features));
  const counts = { operations: writes.length, revisions: rows.length, exact: 0, repeated: 0, overwritten: 0, ends: 0 };
  checkAcknowledged({ writes, byId, revisions, lines });
  checkEntries(revisions, entries, features);
  const walk = makeWalk({ features, touches, writes, counts });
  const states = [];
  for (const revision of revisions) {
    walk.step(revision, byId.get(revision.reason));
    states.push(walk.inEffect());
  }
  checkLive(writes, revisions, states);
  for (const { name } of features) {
    const found = { on: state[name].enabled, rollout: Math.round(state[name].rollout * 100) };
    assert.deepEqual(found, walk.inEffect()[name], `b: ${name} after a restart`);
  }
  checkEnds({ writes, touches, revisions, shared, features, state: walk.inEffect(), counts });
  return counts;
}

// ---- What was done ----------------------------------------------------------------------------------------------

/**
 * The calls of the log, with the places of the lines before and after each. A call that was not acknowledged has no end:
 * a killed process may have left it for others to complete.
 */
function readLog(lines) {
  const [writes, flips, byId, pages, open] = [[], [], new Map(), new Map(), new Map()];
  for (const [place, { by, op, ...line }] of lines.entries()) {
    // What a process does at once is over when it says the next thing, or is gone.
    const before = open.get(by);
    if (before) {
      before.read = place;
      before.isCertain = op !== 'gone';
    }
    open.delete(by);
    if (op === 'open') pages.set(by, line.page);
    const call = { by, page: pages.get(by), op, start: place, read: Infinity, isCertain: false };
    if (op === 'set') {
      flips.push(
        Object.assign(call, { name: line.name, value: { on: line.rollout % 2 === 1, rollout: line.rollout } }),
      );
      open.set(by, call);
    } else if (line.sets || ['persist', 'persistSync', 'rollback'].includes(op)) {
      const sets = line.sets?.map(({ name, ...value }) => ({ name, value }));
      writes.push(Object.assign(call, { id: line.id, sets, end: Infinity, dead: Infinity }));
      byId.set(line.id, call);
      open.set(by, call);
    } else if (op === 'acknowledged') {
      const { id, live = [], ...acknowledged } = line;
      Object.assign(byId.get(id), { end: place, acknowledged, live });
    } else if (op === 'refused') byId.get(line.id).isRefused = true;
    else if (op === 'gone') {
      for (const write of writes) if (write.by === by) write.dead = Math.min(write.dead, place);
    }
  }
  const touches = new Map();
  for (const flip of flips) {
    const key = `${flip.page} ${flip.name}`;
    if (!touches.has(key)) touches.set(key, []);
    touches.get(key).push(flip);
  }
  return { writes, byId, touches };
}

function readRow({ record, rollouts, delta, kind, ...row }, features) {
  const bytes = Buffer.from(record, 'hex');
  const state = {};
  for (const { bit, name } of features) {
    const rollout = rollouts ? Buffer.from(rollouts, 'hex').readUInt16LE(2 * bit) : FRESH.rollout;
    const flags = bytes.readUInt32LE(5 + 13 * (bit >>> 5));
    state[name] = { on: ((flags >>> (bit & 31)) & 1) === 1, rollout };
  }
  const units = delta === null ? undefined : Buffer.from(delta, 'hex');
  const isIn = (bit) => ((units[1 + (bit >>> 3)] >>> (bit & 7)) & 1) === 1;
  const changed = units === undefined ? null : features.filter(({ bit }) => isIn(bit)).map(({ name }) => name);
  return {
    ...row,
    kind: kind === 1 ? 'commit' : 'snapshot',
    record,
    state,
    changed,
    hasTerminal: units?.[0] === 1,
  };
}

// ---- a: acknowledged --------------------------------------------------------------------------------------------

function checkAcknowledged({ writes, byId, revisions, lines }) {
  const found = new Map(revisions.map((revision) => [revision.id, revision]));
  assert.equal(new Set(revisions.map(({ reason }) => reason)).size, revisions.length, 'a: no call wrote two revisions');
  for (const revision of revisions) {
    const write = byId.get(revision.reason);
    assert.ok(write && !write.isRefused, `a: revision ${revision.id}, "${revision.reason}", was begun`);
    write.revision = revision;
  }
  for (const { id, by, op, acknowledged } of writes) {
    if (!acknowledged) continue;
    const revision = found.get(acknowledged.revision);
    assert.ok(revision, `a: revision ${acknowledged.revision}, acknowledged to ${id}, is there`);
    assert.deepEqual(
      { reason: acknowledged.changeReason, kind: acknowledged.kind, actor: acknowledged.actor },
      { reason: id, kind: op === 'commit' || op === 'rollback' ? 'commit' : 'snapshot', actor: by },
      `a: what was acknowledged to ${id}`,
    );
    const { reason, kind, actor } = revision;
    assert.deepEqual(
      { reason, kind, actor },
      { reason: id, kind: acknowledged.kind, actor: by },
      `a: revision ${revision.id}`,
    );
  }
  // Whatever began after an acknowledgement comes after it, in the file and among the snapshots of its live state.
  let last = 0;
  const tickets = new Map();
  for (const { op, id } of lines) {
    const write = byId.get(id);
    const { revision, page } = write ?? {};
    if (!revision) continue;
    const isSnapshot = revision.kind === 'snapshot';
    if (op === 'acknowledged') {
      last = Math.max(last, revision.id);
      if (isSnapshot) tickets.set(page, Math.max(tickets.get(page) ?? 0, revision.ticket));
      continue;
    }
    assert.ok(revision.id > last, `a: revision ${revision.id} began after ${last} was acknowledged`);
    assert.equal(revision.page, page, `a: the live state of revision ${revision.id}`);
    if (!isSnapshot) continue;
    const ticket = tickets.get(page) ?? 0;
    assert.ok(revision.ticket > ticket, `e: revision ${revision.id} was taken after the one with ticket ${ticket}`);
  }
}

/** What the API says of the revisions. */
function checkEntries(revisions, entries, features) {
  let before = Object.fromEntries(features.map(({ name }) => [name, FRESH]));
  assert.equal(entries.length, revisions.length, 'a: the API lists all revisions');
  for (const [place, { id, kind, reason, actor, record, restoredFrom, state, changed }] of revisions.entries()) {
    const entry = entries[place];
    assert.deepEqual(
      [entry.revision, entry.kind, entry.changeReason, entry.actor, entry.configHex.toLowerCase(), entry.restoredFrom],
      [id, kind, reason, actor, `0x${record.toLowerCase()}`, restoredFrom],
      `a: revision ${id} in the API`,
    );
    assert.deepEqual(entry.changes, describe(before, state, features), `b: the changes of revision ${id} in the API`);
    if (changed) before = state;
  }
}

function describe(before, after, features) {
  const names = features.map(({ name }) => name);
  const differ = (test) => names.filter((name) => test(before[name], after[name]));
  return [
    ...differ((from, to) => !from.on && to.on).map((name) => `+${name}`),
    ...differ((from, to) => from.on && !to.on).map((name) => `-${name}`),
    ...differ((from, to) => from.rollout !== to.rollout).map(
      (name) => `${name} ${before[name].rollout / 100}% → ${after[name].rollout / 100}%`,
    ),
  ];
}

// ---- b to e: one revision after the other -----------------------------------------------------------------------

function makeWalk({ features, touches, writes, counts }) {
  const names = features.map(({ name }) => name);
  let state = Object.fromEntries(names.map((name) => [name, FRESH]));
  let last = null;
  const byNumber = new Map();
  const tickets = new Map();
  /** The last snapshots in effect of each live state. */
  const taken = new Map();
  /** Flips that no revision of their live state has yet, in the order of the log. */
  const open = new Map([...touches].map(([key, flips]) => [key, [...flips]]));
  /** The last commit of a live state that sets a feature, and when all of those were over. */
  const committed = new Map();
  const setters = new Map(names.map((name) => [name, []]));

  function step(revision, write) {
    const { id, kind, ticket } = revision;
    byNumber.set(id, revision);
    if (kind === 'snapshot') {
      const highest = tickets.get(revision.page) ?? 0;
      const takesEffect = ticket > highest;
      assert.equal(revision.changed !== null, takesEffect, `e: revision ${id} with ticket ${ticket} after ${highest}`);
      assert.equal(revision.parent, last?.id ?? null, `b: the parent of revision ${id}`);
      if (!takesEffect) return;
      tickets.set(revision.page, ticket);
      checkSnapshot(revision, write);
    } else checkCommit(revision, write);
    const replayed = { ...state };
    for (const name of revision.changed) replayed[name] = revision.state[name];
    assert.deepEqual(revision.state, replayed, `b: revision ${id} is what was in effect with its changes`);
    if (kind === 'snapshot') {
      settle(revision, write);
      taken.set(write.page, [...snapshotsOf(write.page), write]);
    } else {
      for (const name of revision.changed) {
        const key = `${revision.page} ${name}`;
        for (const flip of open.get(key) ?? []) if (flip.read <= write.start) flip.isCovered = true;
        committed.set(key, {
          id: revision.id,
          page: write.page,
          end: write.end,
          value: revision.state[name],
          allOver: Math.max(committed.get(key)?.allOver ?? 0, write.end),
        });
      }
    }
    for (const name of revision.changed) setters.get(name).push({ revision, write });
    state = revision.state;
    last = revision;
  }

  function checkCommit(revision, { op, sets }) {
    const { id, changed, hasTerminal, restoredFrom, parent } = revision;
    if (op === 'rollback') {
      assert.equal(restoredFrom, last?.parent ?? null, `c: revision ${id} goes back to the parent of ${last?.id}`);
      const target = byNumber.get(restoredFrom);
      assert.equal(parent, target.parent, `c: the parent of revision ${id}`);
      assert.deepEqual([changed, hasTerminal], [names, true], `c: revision ${id} sets all that its target knew`);
      assert.deepEqual(revision.state, target.state, `c: revision ${id} is a copy of ${restoredFrom}`);
      return;
    }
    assert.equal(parent, last?.id ?? null, `b: the parent of revision ${id}`);
    const wanted = sets.map(({ name }) => name);
    assert.deepEqual(changed.toSorted(), wanted.toSorted(), `c: revision ${id} changes what its commit set`);
    assert.equal(hasTerminal, false, `c: revision ${id} does not set the terminal`);
    for (const { name, value } of sets) {
      // Half of a feature leaves the other half as it is in effect.
      assert.deepEqual(revision.state[name], { ...state[name], ...value }, `c: ${name} in revision ${id}`);
    }
  }

  function checkSnapshot({ id, changed, hasTerminal, state: found }, write) {
    const different = names.filter((name) => !isSame(found[name], state[name]));
    assert.deepEqual(changed, different, `b: revision ${id} changes what differs from what was in effect`);
    assert.equal(hasTerminal, false, `d: revision ${id} does not change the terminal`);
    for (const name of names) checkFeature(id, write, name, found[name]);
  }

  /** The last flip of the live state that it has not persisted, or else what is in effect. */
  function checkFeature(id, write, name, value) {
    const key = `${write.page} ${name}`;
    const begun = untilRead(open.get(key), write);
    const flips = begun.filter(({ isCovered }) => !isCovered);
    const commit = committed.get(key);
    const isOvertaken = (flip) =>
      flips.some((later) => later.isCertain && flip.read <= later.start && later.read <= write.start);
    const candidates = flips.filter((flip) => !isOvertaken(flip));
    const mayDiffer = (flip) =>
      flip.read > write.start || !flip.isCertain || recentOf(key, write).some((other) => meets(flip, other));
    const isLast = (flip) =>
      recentOf(key, write).every((other) => candidates.includes(other) || other.read <= flip.start);
    const must = candidates.some((flip) => !mayDiffer(flip) && (commit?.allOver ?? -1) < flip.start && isLast(flip));
    const isKept =
      candidates.some(
        (flip) => value.rollout === flip.value.rollout && (value.on === flip.value.on || mayDiffer(flip)),
      ) ||
      // Flips that meet mix their switches and rollouts.
      (value.rollout === state[name].rollout && candidates.some(mayDiffer)) ||
      // What a flip has made its own stays its own when a commit of the same live state goes on top, and what others have
      // set after that on disk, and before it is live, does not count.
      (commit &&
        isSame(value, commit.value) &&
        begun.some(({ start }) => start < commit.end) &&
        (commit.end > write.start || isFollowed(name, commit)));
    if (must ? isKept : isKept || isSame(value, state[name])) {
      if (must) counts.exact += 1;
      return;
    }
    const isCommitted = commit && isSame(value, commit.value) && (commit.end > write.start || isFollowed(name, commit));
    if ((isCommitted && touches.has(key)) || isRepeated(name, write, value)) {
      counts.repeated += 1;
      return;
    }
    if (isOverwritten(key, name, write, value)) {
      counts.overwritten += 1;
      return;
    }
    const seen = JSON.stringify({ value, inEffect: state[name], flips: candidates.map((flip) => flip.value) });
    if (begun.length === 0) assert.fail(`d: revision ${id} is blamed for ${name}, which was not flipped: ${seen}`);
    assert.fail(`d: ${name} in revision ${id} is neither as it was flipped nor as it is in effect: ${seen}`);
  }

  /** Whether another party has set it after a commit, and before that was live. */
  function isFollowed(name, { id, page, end }) {
    const recent = setters.get(name).slice(-50);
    return recent.some(({ revision, write }) => revision.id > id && write.page !== page && write.start < end);
  }

  /**
   * Whether a snapshot sets again what another party had set before the last snapshot of its live state, which did not
   * have that yet: a known exception of features that several parties set at the same time.
   */
  function isRepeated(name, write, value) {
    const recent = setters.get(name).slice(-50);
    const from = recent.findIndex(
      ({ revision, write: { page } }) => page !== write.page && isSame(revision.state[name], value),
    );
    if (from < 0) return false;
    const own = recent
      .slice(from)
      .filter((setter) => setter.write.page === write.page && setter.revision.kind === 'snapshot');
    return own.some(
      ({ write: { end } }) => !snapshotsOf(write.page).some((one) => one.start > end && one.end < write.start),
    );
  }

  /**
   * Whether a flip met with a change of the whole live state by the store, which sets the same feature: then one may
   * overwrite the other, or half of it.
   */
  function isOverwritten(key, name, write, value) {
    for (const flip of recentOf(key, write)) {
      for (const setter of setters.get(name).slice(-50)) {
        if (setter.write.start >= flip.read || isOver(setter.write, flip, write.page)) continue;
        const values = [flip.value, setter.revision.state[name], state[name]];
        if (values.some(({ rollout }) => rollout === value.rollout)) return true;
      }
    }
    return false;
  }

  /** Flips of a feature in a live state that began before a snapshot was read, the last ones of them. */
  function recentOf(key, write) {
    return untilRead(touches.get(key), write).slice(-20);
  }

  function snapshotsOf(page) {
    return taken.get(page)?.slice(-20) ?? [];
  }

  /** Whether the live state had what a commit or another's snapshot set before the flip. */
  function isOver(setter, flip, page) {
    const end = Math.min(setter.end, setter.page === page ? Infinity : setter.dead);
    if (setter.page === page) return setter.op.startsWith('persist') || end < flip.start;
    return writes.some((write) => write.page === page && write.start > end && write.end < flip.start);
  }

  /** Flips that a snapshot of their live state has, or that were overtaken before it was read. */
  function settle(snapshot, write) {
    for (const name of names) {
      const key = `${write.page} ${name}`;
      const flips = open.get(key) ?? [];
      const begun = untilRead(flips, write);
      if (begun.length === 0) continue;
      const persisted = begun.find((flip) => isSame(flip.value, snapshot.state[name]));
      const isIn = (flip) =>
        flip.read <= write.start || flip === persisted || (persisted && flip.read <= persisted.start);
      open.set(key, [...begun.filter((flip) => !isIn(flip)), ...flips.slice(begun.length)]);
    }
  }

  return { step, inEffect: () => state };
}

/** Those that began before a snapshot was read. */
function untilRead(flips = [], write) {
  const end = flips.findIndex(({ start }) => start >= write.read);
  return end < 0 ? flips : flips.slice(0, end);
}

/** Whether neither of two flips was over when the other one began. */
function meets(flip, other) {
  return other !== flip && other.start < flip.read && flip.start < other.read;
}

function isSame(one, other) {
  return one.on === other.on && one.rollout === other.rollout;
}

// ---- f: what is live --------------------------------------------------------------------------------------------

/** Whoever was told of a revision has what others had persisted by then, or later. */
function checkLive(writes, revisions, states) {
  const places = new Map(revisions.map(({ id }, place) => [id, place]));
  for (const { revision, live = [] } of writes) {
    for (const { name, ...value } of live) {
      let place = places.get(revision.id);
      const inEffect = states[place][name];
      while (place < states.length && !isSame(states[place][name], value)) place += 1;
      const both = JSON.stringify({ live: value, inEffect });
      assert.ok(place < states.length, `f: ${name} after revision ${revision.id} is what was in effect: ${both}`);
    }
  }
}

// ---- d: how it ends ---------------------------------------------------------------------------------------------

/** From the log alone: a feature of one process ends as that one has written it last, or has begun to. */
function checkEnds({ writes, touches, revisions, shared, features, state, counts }) {
  const rollbacks = writes.filter(({ op, isRefused }) => op === 'rollback' && !isRefused);
  for (const { name } of features) {
    if (shared.includes(name)) continue;
    const flips = [...touches].flatMap(([key, list]) => (key.endsWith(` ${name}`) ? list : []));
    const commits = writes.flatMap((write) =>
      (write.sets ?? []).flatMap((set) => (set.name === name ? [{ ...write, value: set.value }] : [])),
    );
    const values = [...flips, ...commits].toSorted((a, b) => a.start - b.start);
    const last = values.findLastIndex((value) => isWritten(value, writes));
    if (last < 0 || rollbacks.some(({ end }) => end > values[last].start)) continue;
    counts.ends += 1;
    const possible = values.slice(last).map(({ value }) => value.rollout);
    assert.ok(
      possible.includes(state[name].rollout),
      `d: ${name} ends with ${state[name].rollout}, after ${possible[0]} was acknowledged, of ${revisions.length}`,
    );
  }
}

function isWritten({ op, by, read, acknowledged }, writes) {
  if (op === 'commit') return acknowledged !== undefined;
  return writes.find((write) => write.by === by && write.start >= read && write.op.startsWith('persist'))?.acknowledged;
}
