import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { tell } from './children/tell.mjs';
import { suite } from './harness/suite.mjs';

const OLDER = '0x01785634120100000002185000';
const NEWER = '0x01785634120500000002185000';

// Which persisted state is the last one is decided by when it was read, not by when it reached the disk.

export default suite('ordering', {
  async 'a slow older snapshot never hides a newer one that was acknowledged'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true };
    const slow = t.spawn('persist-late.mjs', { args: [JSON.stringify(options)] });
    assert.equal(await slow.line(), 'called');

    // The other process shares the live state, changes it and persists it, all while the first one is held.
    const fast = t.spawn('program.mjs');
    assert.equal(await tell(fast, 'open', options), OLDER);
    await tell(fast, 'enableFeature', 'metrics');
    const newer = await tell(fast, 'persist', 'newer');
    assert.deepEqual([newer.revision, newer.configHex], [1, NEWER]);

    slow.send('go');
    const older = JSON.parse(await slow.line());
    assert.deepEqual(older, { revision: 2, configHex: OLDER }, 'the older snapshot reached the disk last');
    assert.equal((await slow.exited).code, 0);
    assert.equal(await tell(fast, 'toHex'), NEWER, 'the live state is as it was');

    // Everybody who asks for the last persisted state gets the newer one: who opens a state of his own, …
    const { persistPath } = options;
    const own = createProductionConfig({ persistPath });
    assert.equal(own.toHex(), NEWER);
    // … who loads, …
    own.featureFlags = 0;
    assert.equal(await own.load(), true);
    assert.equal(own.toHex(), NEWER);
    // … who promotes, …
    const production = createProductionConfig({ persistPath, environment: 'production' });
    assert.equal((await production.promote('development')).restoredFrom, 1);
    assert.equal(production.toHex(), NEWER);
    // … and who goes on after all the others are gone.
    await Promise.all([own.close(), production.close()]);
    await tell(fast, 'close');
    fast.kill('SIGKILL');
    await fast.exited;
    const next = createProductionConfig(options);
    t.after(() => next.close());
    assert.equal(next.toHex(), NEWER);

    // The history has both, in the order in which they were written.
    const history = await next.getHistory();
    assert.deepEqual(
      history.map(({ revision, changeReason, configHex }) => [revision, changeReason, configHex]),
      [
        [2, 'older', OLDER],
        [1, 'newer', NEWER],
      ],
    );
  },

  async 'a slow older snapshot does not hide a rollback'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true };
    const fast = t.spawn('program.mjs');
    await tell(fast, 'open', options);
    await tell(fast, 'enableFeature', 'caching');
    await tell(fast, 'persist', 'one');
    await tell(fast, 'disableFeature', 'caching');
    await tell(fast, 'persist', 'two');

    const slow = t.spawn('persist-late.mjs', { args: [JSON.stringify(options)] });
    assert.equal(await slow.line(), 'called');
    const { restoredFrom, configHex } = await tell(fast, 'rollback', 1);
    assert.equal(restoredFrom, 1);
    slow.send('go');
    assert.equal(JSON.parse(await slow.line()).revision, 4);

    const own = createProductionConfig({ persistPath: options.persistPath });
    t.after(() => own.close());
    assert.equal(own.toHex(), configHex);
    assert.deepEqual(own.getEnabledFeatures(), ['caching']);
  },

  async 'of programs that share only the database, each keeps its own change and the other one'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const slow = t.spawn('persist-late.mjs', { args: [JSON.stringify({ persistPath })] });
    assert.equal(await slow.line(), 'called');
    const fast = t.spawn('program.mjs');
    await tell(fast, 'open', { persistPath });
    await tell(fast, 'enableFeature', 'metrics');
    await tell(fast, 'persist', 'another state');
    slow.send('go');
    assert.equal(JSON.parse(await slow.line()).revision, 2);
    const config = createProductionConfig({ persistPath });
    t.after(() => config.close());
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'metrics']);
  },
});
