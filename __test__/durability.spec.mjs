import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { killPersisting } from './children/persisters.mjs';
import { suite } from './harness/suite.mjs';

const PACKAGE = "import { createProductionConfig } from '13byte-config';\n";

export default suite('durability', {
  async 'what persist acknowledged survives SIGKILL, twenty times'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    let known = 0;
    for (let round = 0; round < 20; round += 1) {
      const child = t.spawn('persist-forever.mjs', { args: [persistPath] });
      const acknowledged = [await child.line()];
      child.kill('SIGKILL');
      const { signal } = await child.exited;
      assert.equal(signal, 'SIGKILL');
      // It went on until the signal came.
      acknowledged.push(...(await remainingLines(child)));

      const config = createProductionConfig({ persistPath });
      const history = new Map(
        (await config.getHistory(10_000)).map(({ revision, configHex }) => [revision, configHex]),
      );
      for (const line of acknowledged) {
        const [revision, hex] = line.split(' ');
        assert.equal(history.get(Number(revision)), hex, `round ${round}, revision ${revision}`);
      }
      assert.deepEqual(
        [...history.keys()].toReversed(),
        Array.from({ length: history.size }, (_, index) => index + 1),
        'no gaps',
      );
      assert.ok(history.size >= known + acknowledged.length);
      known = history.size;
      assert.equal(config.toHex(), history.get(known), 'and the last of them is what it starts from');
      assert.equal(config.getDebugView().revision, known);
      await config.close();
    }
  },

  async 'processes that persist together are killed, one or all at a time, and nothing acknowledged is lost'(t) {
    const counts = await killPersisting({
      directory: t.tempDir(),
      kills: 16,
      paths: [process.execPath],
      after: t.after,
    });
    assert.ok(counts.kills >= 16 && counts.acknowledged >= counts.kills, JSON.stringify(counts));
    assert.ok(counts.revisions >= counts.acknowledged);
  },

  async 'persists that nobody waits for complete before a natural exit'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const child = t.spawn(
      `${PACKAGE}
      const config = createProductionConfig({ persistPath: process.argv.at(-1) });
      for (let step = 0; step < 20; step += 1) {
        config.featureFlags = step;
        config.persist('step ' + step);
      }
    `,
      { args: [persistPath] },
    );
    const { code, stderr } = await child.exited;
    assert.equal(code, 0, stderr);
    const config = open(t, { persistPath });
    assert.equal((await config.getHistory()).length, 20);
    assert.equal(config.featureFlags, 19);
  },

  async 'an open config alone does not keep a process alive'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const child = t.spawn(
      `${PACKAGE}
      const config = createProductionConfig({ persistPath: process.argv.at(-1) });
      config.enableFeature('debug');
      await config.persist('done');
      globalThis.kept = config;
      console.log('end');
    `,
      { args: [persistPath] },
    );
    assert.equal(await child.line(), 'end');
    const { code, signal, stderr } = await child.exited;
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  },

  async 'process.exit is safe while persists are pending'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const child = t.spawn(
      `${PACKAGE}
      const config = createProductionConfig({ persistPath: process.argv.at(-1) });
      config.enableFeature('metrics');
      await config.persist('acknowledged');
      for (let step = 0; step < 100; step += 1) {
        config.toggleFeature('debug');
        config.persist('step ' + step);
      }
      // Now the store has them and is at work, and then the process ends.
      await null;
      process.exit(7);
    `,
      { args: [persistPath] },
    );
    const { code, signal, stderr } = await child.exited;
    assert.deepEqual({ code, signal, stderr }, { code: 7, signal: null, stderr: '' });
    await assertIntact(t, persistPath);
  },

  async 'an uncaught error is safe while persists are pending'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const child = t.spawn(
      `${PACKAGE}
      const config = createProductionConfig({ persistPath: process.argv.at(-1) });
      config.enableFeature('metrics');
      await config.persist('acknowledged');
      for (let step = 0; step < 100; step += 1) config.persist('step ' + step);
      setImmediate(() => { throw new Error('on purpose'); });
    `,
      { args: [persistPath] },
    );
    const { code, signal, stderr } = await child.exited;
    assert.deepEqual({ code, signal }, { code: 1, signal: null });
    assert.match(stderr, /on purpose/);
    await assertIntact(t, persistPath);
  },

  async 'a terminated worker thread loses nothing that was acknowledged'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const child = t.spawn('terminate-workers.mjs', { args: [persistPath] });
    const rounds = Number(await child.line());
    const { code, signal, stderr } = await child.exited;
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
    const config = open(t, { persistPath });
    const history = await config.getHistory(10_000);
    assert.equal(history.filter(({ changeReason }) => changeReason === 'acknowledged').length, rounds);
    assert.deepEqual(config.validate(), { isValid: true, errors: [] });
  },
});

/** The database opens, its history has no gaps, and it starts with what was acknowledged. */
async function assertIntact(t, persistPath) {
  const config = open(t, { persistPath });
  const history = (await config.getHistory(1000)).toReversed();
  assert.equal(history[0].changeReason, 'acknowledged');
  assert.deepEqual(
    history.map(({ revision }) => revision),
    history.map((_, index) => index + 1),
  );
  history.slice(1).forEach(({ changeReason }, index) => assert.equal(changeReason, `step ${index}`));
  assert.equal(config.isFeatureEnabled('metrics'), true);
  assert.deepEqual(config.validate(), { isValid: true, errors: [] });
  // And it goes on from there.
  assert.equal((await config.persist('next')).revision, history.length + 1);
}

async function remainingLines(child) {
  const lines = [];
  for (;;) {
    try {
      lines.push(await child.line());
    } catch {
      return lines;
    }
  }
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}
