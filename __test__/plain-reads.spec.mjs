import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { createProductionConfig } from '13byte-config';
import { startProgram } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

// What `lib/core/load-word.ts` relies on. It would hang if a look were taken once for a whole loop.
export default suite('reads of memory that others write', {
  async 'threads that only look see what each other store'(t) {
    const handle = open(t).share();
    const parties = ['lead', 'follow'].map((role) => {
      const worker = new Worker(new URL('children/spin.mjs', import.meta.url), { workerData: { handle, role } });
      t.after(() => worker.terminate());
      return worker;
    });
    assert.deepEqual(await Promise.all(parties.map((party) => once(party, 'message'))), [['done'], ['done']]);
  },

  async 'so do processes, in code that is known to be optimised'(t) {
    const { sharedBuffer: _, ...handle } = open(t).share();
    const options = process.versions.bun ? [] : ['--allow-natives-syntax', '--no-concurrent-recompilation'];
    const parties = ['lead', 'follow'].map((role) => {
      const party = startProgram('./spin.mjs', { options, args: [JSON.stringify({ handle, role })] });
      t.after(() => party.kill());
      return party;
    });
    assert.deepEqual(await Promise.all(parties.map((party) => party.line())), ['done', 'done']);
  },

  async 'and a feature that is turned off while a key is hashed is off for it'(t) {
    const config = open(t);
    config.setRollout('ping', 99.99);
    // Hashing it takes a millisecond, and it is not the one key in ten thousand that is left out.
    const key = 'k'.repeat(1_000_000);
    const switcher = new Worker(new URL('children/switch.mjs', import.meta.url), { workerData: config.share() });
    t.after(() => switcher.terminate());
    await once(switcher, 'message');
    let [turnedOff, answeredOn] = [0, 0];
    while (turnedOff < 30) {
      const before = config.getDebugView();
      const answer = config.isFeatureEnabledFor('ping', key);
      const isOff =
        config.getDebugView().generation === before.generation + 1 && before.features.enabled.includes('ping');
      if (isOff) turnedOff += 1;
      if (isOff && answer) answeredOn += 1;
      await setImmediate();
    }
    // It may have been turned off right after the answer.
    assert.ok(answeredOn <= 3, `on ${answeredOn} times of ${turnedOff}`);
  },
});

function open(t) {
  const config = createProductionConfig({
    persistPath: join(t.tempDir(), 'config.db'),
    enableClusterSync: true,
    features: ['ping', 'pong'],
  });
  t.after(() => config.close());
  return config;
}
