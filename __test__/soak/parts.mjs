// The long versions of what the specs do briefly: each part proves one promise at a size that finds what is rare.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createProductionConfig } from '13byte-config';
import { changeTogether } from '../children/everybody.mjs';
import { playRounds } from '../children/order-rounds.mjs';
import { startProcess } from '../children/peers.mjs';
import { killPersisting } from '../children/persisters.mjs';
import { anySeed } from '../children/random.mjs';
import { playYears } from '../children/years.mjs';
import { flipTogether, killAll, killAtRandom, mixTerminals, terminateThreads } from '../children/stress.mjs';
import { crowd } from './crowd.mjs';
import { persistFarBehind } from './far-behind.mjs';

/**
 * Each gets a directory, the runtimes, and `after` for what is to be undone, and returns what it counted.
 */
export const parts = {
  flips: {
    promise: '4 processes × 2 threads flip a feature of their own 250,001 times each, at once: none is lost',
    async run({ directory, runtimes, bun, node, after }) {
      const totals = { rounds: 0, flips: 0, reads: 0 };
      for (const { id } of runtimes) {
        const where = join(directory, id);
        const { flips, reads } = await flipTogether({
          directory: where,
          paths: [bun, node, bun, node],
          threads: 2,
          flips: 250_001,
          after,
        });
        totals.rounds += 1;
        totals.flips += flips;
        totals.reads += reads;
      }
      return totals;
    },
  },
  terminals: {
    promise: 'two processes set (1, 11, 11) and (2, 222, 222) at full speed, 10 million reads: none mixed',
    run: ({ directory, bun, node, after }) =>
      mixTerminals({ directory, writers: [bun, node], readers: [bun, node], reads: 10_000_000, after }),
  },
  kills: {
    promise: '200 processes killed at a random instant: a valid state, never half of a change, and the others go on',
    async run({ directory, bun, node, after }) {
      const paths = [bun, node];
      const counts = {};
      for (const [what, rounds] of [
        ['flip', 50],
        ['rollback', 70],
        ['open', 40],
      ]) {
        const { rounds: done, ...seen } = await killAtRandom({ directory, what, rounds, paths, after });
        counts[what] = { kills: done, ...seen };
      }
      const { rounds, halfMade } = await killAll({ directory, rounds: 20, paths, after });
      counts.all = { kills: 2 * rounds, halfMade };
      return counts;
    },
  },
  persists: {
    promise:
      '2,000 kills of processes that persist together: nothing acknowledged lost, nothing invalid, the chain whole after each',
    run: ({ directory, bun, node, after }) => killPersisting({ directory, kills: 2000, paths: [bun, node], after }),
  },
  order: {
    promise:
      '200 rounds of four processes that flip, persist, commit and roll back, and are killed: the history is what they were told',
    run: ({ directory, bun, node, after }) =>
      playRounds({ directory, rounds: 200, paths: [bun, node], seed: anySeed(), after }),
  },
  years: {
    promise:
      'three years of weekly releases, 1,000 names in all and 200 at once, deployed one process at a time, with kills and a full stop each quarter: no name is mistaken for another',
    run: ({ directory, bun, node, after }) =>
      playYears({
        directory,
        releases: 156,
        perQuarter: 13,
        names: 1000,
        listed: 200,
        paths: [bun, node],
        processes: 3,
        changes: 6,
        seed: anySeed(),
        after,
      }),
  },
  everybody: {
    promise:
      'two programs, a cluster and the command line for a minute: nobody reverts or is blamed for what another did',
    run: ({ directory, bun, node, after }) =>
      changeTogether({ directory, ms: 60_000, paths: [bun, node], seed: anySeed(), after }),
  },
  behind: {
    promise: 'a program a million revisions behind persists: nobody else is kept from writing for more than 20 ms',
    run: ({ directory, bun, after }) =>
      persistFarBehind({ directory, revisions: 1_000_000, path: bun, mostMs: 20, after }),
  },
  power: {
    promise:
      'the power cut after every write of a recorded run, 60 images of the disk for each: nothing acknowledged lost',
    run: cutPower,
  },
  threads: {
    promise: '1,000 threads terminated at a random moment in each runtime: no crash, no hang, no leak',
    async run({ directory, runtimes, after }) {
      const counts = {};
      for (const { id, path } of runtimes) {
        counts[id] = await terminateThreads({ directory: join(directory, id), path, rounds: 1000, after });
      }
      return counts;
    },
  },
  listeners: {
    promise:
      '100 processes listen and flip: all hear of each flip without a look, over at most 8 connections for each process',
    run: ({ directory, bun, node, after }) => crowd({ directory, size: 100, paths: [bun, node], after }),
  },
  disk: {
    promise:
      'a full disk is an error, not a crash: live state goes on, nothing acknowledged is lost, and with room it works again',
    run: fullDisk,
  },
};

/** The test of the core, with more random images than `npm test` takes. */
async function cutPower() {
  const { stdout: output } = await promisify(execFile)(
    'cargo',
    ['test', '--no-default-features', '--lib', 'power_loss', '--', '--nocapture', '--test-threads', '1'],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...process.env, CONFIG13_POWER_LOSS_IMAGES: '58' },
    },
  );
  const counts = {};
  for (const [, run, cuts, images, withLoss] of output.matchAll(
    /^(?:test .*\.\.\. )?([^:\n]+): .*Findings \{ cuts: (\d+), images: (\d+),.* with_loss: (\d+),/gm,
  )) {
    counts[run] = { cuts: Number(cuts), images: Number(images), withLoss: Number(withLoss) };
  }
  assert.equal(Object.keys(counts).length, 5, output);
  return counts;
}

/** On a small file system of its own, which only root can mount. */
async function fullDisk({ directory, after }) {
  if (process.getuid() !== 0) return { notRun: 'only root can mount a small file system' };
  const disk = join(directory, 'disk');
  const options = { enableClusterSync: true, features: ['a', 'b'] };
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'tmpfs', disk]);
  after(() => execFileSync('umount', ['-l', disk]));
  const peers = Array.from({ length: 3 }, () => startProcess({ env: { XDG_RUNTIME_DIR: disk } }));
  after(() => Promise.all(peers.map((peer) => peer.stop())));
  const [first, second, late] = peers;
  for (const peer of [first, second]) await peer.tell('open', { ...options, clusterName: 'early' });
  const persistPath = join(disk, 'config.db');
  const withDatabase = createProductionConfig({
    persistPath,
    enableClusterSync: true,
    environment: 'early',
    features: ['a', 'b'],
  });
  after(() => withDatabase.close());

  withDatabase.enableFeature('a');
  const acknowledged = [(await withDatabase.persist('before')).revision];

  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize));
  const { code } = await late.refuse('open', { ...options, clusterName: 'late' });
  assert.equal(code, 'ERR_DISK_FULL');
  assert.throws(() => createProductionConfig({ persistPath, enableClusterSync: true, environment: 'late' }), {
    code: 'ERR_DISK_FULL',
  });
  await first.tell('enableFeature', 'a');
  assert.equal(await second.tell('isFeatureEnabled', 'a'), true);
  withDatabase.enableFeature('b');
  const refused = await persistUntilFull(withDatabase, acknowledged);
  assert.equal(refused.code, 'ERR_DISK_FULL');
  assert.equal(withDatabase.isFeatureEnabled('b'), true);
  const { checks } = await withDatabase.healthCheck();
  const failed = checks.filter(({ status }) => status === 'failed').map(({ name }) => name);
  assert.deepEqual(failed, ['last-persist', 'disk-space']);
  await assert.rejects(withDatabase.backup(join(disk, 'copy.db')), { code: 'ERR_DISK_FULL' });

  rmSync(join(disk, 'filler'));
  await late.tell('open', { ...options, clusterName: 'late' });
  assert.equal(await late.tell('enableFeature', 'b'), true);
  acknowledged.push((await withDatabase.persist('room again')).revision);
  const history = await withDatabase.getHistory(10_000);
  assert.deepEqual(history.map(({ revision }) => revision).toReversed(), acknowledged, 'nothing is lost');
  assert.equal((await withDatabase.verify()).ok, true);
  await withDatabase.close();
  await Promise.all(peers.map((peer) => peer.stop()));

  // And a file system that may only be read.
  const readOnlyDisk = join(directory, 'read-only');
  mkdirSync(readOnlyDisk);
  execFileSync('mount', ['--bind', disk, readOnlyDisk]);
  after(() => execFileSync('umount', ['-l', readOnlyDisk]));
  execFileSync('mount', ['-o', 'remount,bind,ro', readOnlyDisk]);
  for (const readOnly of [false, true]) {
    const there = { persistPath: join(readOnlyDisk, 'config.db'), environment: 'early', readOnly };
    assert.throws(() => createProductionConfig(there), { code: 'ERR_STORE_PERMISSION' });
    const degraded = createProductionConfig({ ...there, onStoreError: 'degrade' });
    assert.equal(degraded.getDebugView().store.status, 'degraded');
    await degraded.close();
  }
  const again = createProductionConfig({ persistPath, environment: 'early' });
  assert.equal((await again.getHistory(10_000)).length, acknowledged.length);
  await again.close();
  return { refused: 2, attached: 3, acknowledged: acknowledged.length };
}

/** What was in the log already leaves room for some. Returns the error. */
async function persistUntilFull(config, acknowledged) {
  for (let number = 1; ; number += 1) {
    try {
      acknowledged.push((await config.persist(`${number} ${'x'.repeat(900)}`)).revision);
    } catch (error) {
      return error;
    }
  }
}
