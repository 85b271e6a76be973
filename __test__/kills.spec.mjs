import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { calls, reset } from './children/counted-binding.mjs';
import { readLiveFile, startProcess } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

// After the counters are in place: the package keeps the functions that it finds.
const { createProductionConfig } = await import('13byte-config');
const { killAll, killAtRandom } = await import('./children/stress.mjs');

// The long versions are `npm run soak`.
export default suite('kills', {
  async 'a process killed while it flips leaves a valid state'(t) {
    await killAtRandom({ ...where(t), what: 'flip', rounds: 8 });
  },

  async 'a process killed while it rolls back leaves one state or the other, never half of a change'(t) {
    await killAtRandom({ ...where(t), what: 'rollback', rounds: 8 });
  },

  async 'a process killed while it makes live files leaves none that others stumble over'(t) {
    await killAtRandom({ ...where(t), what: 'open', rounds: 4 });
  },

  async 'when all are killed, the next one starts from the last persisted revision'(t) {
    await killAll({ ...where(t), rounds: 3 });
  },

  ...Object.fromEntries(
    [
      ['the target is in the journal', () => undefined, true],
      ['what was to go off is off', ({ flags }) => flags & 0b01, true],
      ['all but the end is done', () => 0b01, true],
      ['there is only a reader', () => 0b00, false],
    ].map(([how, flagsThen, hasWriter]) => [
      `a change that a killed process left half-made is completed (${how})`,
      async (t) => {
        const { live, target, reader } = await twoRevisions(t, hasWriter);
        // A kill inside those few nanoseconds is rare, so the file is left as one would leave it.
        const flags = flagsThen(readLiveFile(live));
        if (flags !== undefined) writeWord(live, 8, flags);
        const record = Buffer.from(target.configHex.slice(2), 'hex');
        // The switches and rollouts that it sets, by bank; `contains`; flags and terminal; whether it sets that; and rollouts.
        writeWord(live, 1024, 0b11);
        writeWord(live, 1056, 0b01);
        write64(live, 1088, BigInt(target.revision));
        write64(live, 1096, record.readBigUInt64LE(5));
        writeWord(live, 1104, 1);
        writeWord(live, 1136, 10_000 | (10_000 << 16));
        writeWord(live, 168, 1);
        while (readLiveFile(live).isUnfinished) await setTimeout(1);
        assert.equal(await reader.tell('toHex'), target.configHex);
        await reader.tell('hears', ['a']);
      },
    ]),
  ),

  async 'a commit that a killed process has on disk only is put on the live state'(t) {
    const { config, live, target, reader } = await twoRevisions(t, true);
    const before = readLiveFile(live).flags;
    await config.rollback(target.revision);
    await reader.tell('hears', ['a']);
    // As it was before, with the mark.
    writeWord(live, 8, before);
    write64(live, 152, 2n);
    write64(live, 160, 1n);
    while (readLiveFile(live).isUnfinished) await setTimeout(1);
    assert.equal(readLiveFile(live).flags, 0b01);
    assert.equal(await reader.tell('toHex'), target.configHex);
  },

  async 'the mark of a commit that did not take place is forgotten'(t) {
    const options = {
      persistPath: join(t.tempDir(), 'config.db'),
      enableClusterSync: true,
      environment: 'eu',
      features: ['a', 'b'],
    };
    const live = `${options.persistPath}-live-eu`;
    const config = createProductionConfig(options);
    t.after(() => config.close());
    config.enableFeature('b');
    write64(live, 160, 1n);
    while (readLiveFile(live).isUnfinished) await setTimeout(1);
    assert.deepEqual(config.getEnabledFeatures(), ['b']);
    assert.equal((await config.persist()).revision, 1);
  },

  async 'a listener killed in its sleep costs one wake-up'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true, features: ['a', 'b'] };
    const live = `${options.persistPath}-live-development`;
    const config = createProductionConfig({ ...options, environment: 'development' });
    t.after(() => config.close());
    for (let round = 0; round < 3; round += 1) {
      const listener = startProcess();
      t.after(() => listener.stop());
      await listener.tell('open', { ...options, environment: 'development' });
      await listener.tell('listen');
      config.enableFeature('a');
      await listener.tell('hears', ['a']);
      while (readLiveFile(live).sleepers === 0) await setTimeout(1);
      await listener.kill();
      assert.equal(readLiveFile(live).sleepers, 1, 'killed in its sleep');
      // Windows removes that of a process which ends.
      const left = process.platform === 'win32' ? 0 : 1;
      assert.equal(readdirSync(`${live}-doorbells`).length, left);

      reset();
      for (let flip = 0; flip < 1000; flip += 1) config.toggleFeature('b');
      assert.deepEqual([...calls], [['wakePage', 1]]);
      assert.deepEqual(readdirSync(`${live}-doorbells`), [], 'and what it left is gone');
      reset();
      for (let flip = 0; flip < 1000; flip += 1) config.toggleFeature('b');
      assert.deepEqual([...calls], []);
      config.disableFeature('a');
    }
    // And whoever listens now is told as ever.
    const changed = once(config, 'change');
    config.enableFeature('a');
    assert.deepEqual((await changed)[0].enabled, ['a']);
  },
});

/** A live state with two revisions, of which the second one is live, and a reader of it in another process. */
async function twoRevisions(t, hasWriter) {
  const options = {
    persistPath: join(t.tempDir(), 'config.db'),
    enableClusterSync: true,
    environment: 'eu',
    features: ['a', 'b'],
  };
  const config = createProductionConfig(options);
  config.enableFeature('a');
  const target = await config.persist('a');
  config.update((draft) => {
    draft.disable('a');
    draft.enable('b');
    draft.terminal(1, 11, 11);
  });
  await config.persist('b');
  const reader = startProcess();
  t.after(() => reader.stop());
  await reader.tell('open', { ...options, features: undefined, readOnly: true });
  await reader.tell('listen');
  if (hasWriter) t.after(() => config.close());
  else await config.close();
  return { config, live: `${options.persistPath}-live-eu`, target, reader };
}

function writeWord(path, offset, value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  writeBytes(path, offset, bytes);
}

function write64(path, offset, value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  writeBytes(path, offset, bytes);
}

function writeBytes(path, offset, bytes) {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, offset);
  closeSync(file);
}

function where(t) {
  return { directory: t.tempDir(), paths: [process.execPath], after: t.after };
}
