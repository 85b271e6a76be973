import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createProductionConfig } from '13byte-config';
import { collectGarbage } from './children/collect-garbage.mjs';
import { startThread } from './children/peers.mjs';
import { terminateThreads } from './children/stress.mjs';
import { onLinux } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

// The long version is `npm run soak`.
export default suite('threads that are terminated', {
  async 'leave the process as it was'(t) {
    await terminateThreads({ directory: t.tempDir(), path: process.execPath, rounds: 50, after: t.after });
  },

  ...onLinux({
    async 'a live file is unmapped when its configs are closed and their buffers collected'(t) {
      const directory = t.tempDir();
      const mapped = () =>
        readFileSync('/proc/self/maps', 'utf8')
          .split('\n')
          .filter((line) => line.includes(directory)).length;
      await (async () => {
        for (let round = 0; round < 50; round += 1) {
          const config = createProductionConfig({
            persistPath: join(directory, 'config.db'),
            enableClusterSync: true,
            environment: `round-${round}`,
          });
          config.enableFeature('debug');
          config.share();
          await config.close();
        }
      })();
      // A conservative collector may miss some that look alive from the stack.
      for (let turn = 0; turn < 200 && mapped() > 5; turn += 1) {
        collectGarbage();
        await setImmediate();
      }
      assert.ok(mapped() <= 5, `${mapped()} of 50 are still mapped`);
    },

    async 'and an open one stays mapped once, however many threads and configs have it'(t) {
      const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true };
      const configs = Array.from({ length: 20 }, () => createProductionConfig(options));
      t.after(() => Promise.all(configs.map((config) => config.close())));
      const threads = [startThread(), startThread()];
      t.after(() => Promise.all(threads.map((thread) => thread.stop())));
      for (const thread of threads) await thread.tell('open', options);
      const regions = readFileSync('/proc/self/maps', 'utf8')
        .split('\n')
        .filter((line) => line.includes(options.persistPath) && line.includes('-live-'));
      assert.equal(regions.length, 1);
      assert.ok(regions[0].includes('rw-s'), regions[0]);
    },
  }),
});
