// Years in the life of a database: releases that bring new names and drop old ones, deployed one process at a time, with kills
// and a full stop every quarter.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { startProcess } from './peers.mjs';
import { makeRandom } from './random.mjs';

const BITS = 256;

/**
 * Each release lists `listed` names of `names`, the window moving on evenly. Every change is a commit whose reason says what it
 * changes, so that the history can be compared with it.
 *
 * @param {object} options
 * @param {string} options.directory
 * @param {number} options.releases
 * @param {number} options.perQuarter releases until all processes stop
 * @param {number} options.names
 * @param {number} options.listed
 * @param {readonly string[]} options.paths of runtimes, for the processes in turn
 * @param {number} options.processes
 * @param {number} options.changes after each release
 * @param {number} options.seed
 * @param {(cleanup: () => unknown) => void} options.after
 */
export async function playYears({
  directory,
  releases,
  perQuarter,
  names,
  listed,
  paths,
  processes,
  changes,
  seed,
  after,
}) {
  const { below, chance, pick } = makeRandom(seed);
  const database = { persistPath: join(directory, 'config.db'), environment: 'production', enableClusterSync: true };
  const all = Array.from({ length: names }, (_, index) => `team_${index % 9}.feature-${index}`);
  const first = (/** @type {number} */ release) => Math.floor(((names - listed) * release) / (releases - 1));
  const listOf = (/** @type {number} */ release) => all.slice(first(release), first(release) + listed);
  /** What was set last of each name with a bit. @type {Map<string, boolean>} */
  const values = new Map();
  /** @type {{ peer: any, release: number, number: number }[]} */
  let running = [];
  const counts = { commits: 0, retired: 0, kills: 0, stops: 0, without: 0, checks: 0 };
  after(() => Promise.all(running.map(({ peer }) => peer.stop())));

  const start = async (/** @type {number} */ number, /** @type {number} */ release) => {
    const peer = startProcess({ path: paths[number % paths.length] });
    running.push({ peer, release, number });
    await peer.tell('open', { ...database, features: listOf(release) });
  };
  const stop = async (/** @type {{ peer: any }} */ one) => {
    running = running.filter((other) => other !== one);
    if (chance(0.3)) {
      counts.kills += 1;
      await one.peer.stop();
    } else {
      await one.peer.tell('close');
      await one.peer.finish();
    }
  };
  /** Every name that a process lists reads as what it was set to, or as off without a bit, which is told. */
  const check = async () => {
    for (const { peer, release } of running) {
      const list = listOf(release);
      const enabled = new Set(await peer.tell('getEnabledFeatures'));
      const known = new Set(await peer.tell('getFeatureNames'));
      const { errors } = await peer.tell('validate');
      const without = list.filter((name) => !known.has(name));
      for (const name of list) {
        assert.equal(enabled.has(name), known.has(name) && values.get(name) === true, `seed ${seed}: ${name}`);
      }
      for (const name of [pick(list), ...without.slice(0, 1)]) {
        assert.equal(await peer.tell('isFeatureEnabled', name), enabled.has(name), `seed ${seed}: ${name}`);
      }
      assert.equal(errors.length, without.length, `seed ${seed}: ${errors[0]}`);
      counts.without += without.length;
      counts.checks += list.length;
    }
  };

  for (let release = 0; release < releases; release += 1) {
    const isQuarter = release % perQuarter === 0;
    if (isQuarter && running.length > 0) {
      for (const one of running) await stop(one);
      counts.stops += 1;
    }
    // A rolling deployment: one after the other, so that two versions run together.
    for (let number = 0; number < processes; number += 1) {
      const old = running.find((one) => one.number === number);
      if (old) await stop(old);
      await start(number, release);
      if (chance(0.5)) await check();
    }
    if (isQuarter) {
      const known = new Set(await running[0].peer.tell('getFeatureNames'));
      const missing = listOf(release).filter((name) => !known.has(name));
      assert.deepEqual(missing, [], `seed ${seed}: no bit after a full stop`);
    }
    for (let change = 0; change < changes; change += 1) {
      const { peer } = pick(running);
      const name = pick(listOf(release));
      if (!(await peer.tell('getFeatureNames')).includes(name)) continue;
      const on = chance(0.5);
      await peer.tell('commitSet', name, on, `${on ? '+' : '-'}${name}`);
      values.set(name, on);
      counts.commits += 1;
    }
    // What no version lists any more goes off and is retired.
    const { peer } = pick(running);
    const there = await peer.tell('getFeatureNames');
    const unused = there.filter((/** @type {string} */ name) => all.indexOf(name) < first(release));
    for (const name of unused) {
      if (values.get(name) !== true) continue;
      await peer.tell('commitSet', name, false, `-${name}`);
      values.set(name, false);
    }
    if (unused.length > 0) {
      await peer.tell('retireFeature', unused, { reason: 'retired' });
      counts.retired += unused.length;
    }
    await check();
    if (chance(0.2)) {
      // One dies and comes back.
      const one = running[below(running.length)];
      const { number } = one;
      running = running.filter((other) => other !== one);
      await one.peer.stop();
      counts.kills += 1;
      await start(number, release);
      await check();
    }
  }

  const [{ peer }] = running;
  assert.ok((await peer.tell('getFeatureNames')).length <= BITS);
  const history = await peer.tell('getHistory', 10_000);
  for (const { changeReason, changes: found } of history) {
    if (!/^[+-]/.test(changeReason))
      assert.deepEqual(
        found.filter((/** @type {string} */ line) => line.startsWith('+')),
        [],
      );
    else if (found.length > 0) assert.deepEqual(found, [changeReason], `seed ${seed}`);
  }
  const verified = await peer.tell('verify');
  assert.equal(verified.ok, true, `seed ${seed}: ${JSON.stringify(verified.firstBroken)}`);
  for (const one of running) await stop(one);
  return { ...counts, revisions: history.length };
}
