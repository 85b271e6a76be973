import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { attachConfig, createProductionConfig } from '13byte-config';
import { startProcess, startThread } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

const NAMES = ['a', 'b', 'c', 'd'];
/** Longer than any case, so that only the end of a config persists. */
const LATE = { debounceMs: 86_400_000 };

/** A flag that no feature owns makes a state that is not persisted. */
const INVALID = Buffer.from('01785634120000008002185000', 'hex');
/** A program in which `fail(path)` makes a change that cannot be persisted, and `twin` is the same memory. */
const FAILING = `
  const { attachConfig, createProductionConfig } = await import('13byte-config');
  let twin;
  function fail(persistPath) {
    const config = createProductionConfig({ persistPath, features: ['a', 'b'], autoPersist: { debounceMs: 0 } });
    const { autoPersistMs, ...handle } = config.share();
    twin = attachConfig(handle);
    config.updateFromBuffer(Buffer.from('${INVALID.toString('hex')}', 'hex'));
  }
`;

export default suite('auto-persist', {
  async 'changes are persisted by themselves, with reason auto'(t) {
    for (const autoPersist of [true, {}, { debounceMs: 1 }, { debounceMs: 0 }]) {
      const config = open(t, { autoPersist, actor: 'the tests' });
      config.enableFeature('a');
      config.enableFeature('b');
      config.setTerminalSettings(1, 11, 11);
      await revision(config, 1);
      const [{ changeReason, actor, changes, configHex }, ...others] = await config.getHistory();
      assert.deepEqual(others, []);
      assert.deepEqual([changeReason, actor, configHex], ['auto', 'the tests', config.toHex()]);
      assert.deepEqual(changes, ['+a', '+b', 'terminal raw 24x80 → cooked 11x11']);
      config.disableFeature('a');
      await revision(config, 2);
      assert.deepEqual((await config.getHistory(1))[0].changes, ['-a']);
    }
  },

  async 'every kind of change counts'(t) {
    const config = open(t, { autoPersist: { debounceMs: 0 } });
    let last = 0;
    for (const change of [
      () => config.enableFeature('a'),
      () => config.disableFeature('a'),
      () => config.toggleFeature('b'),
      () => config.setFeature('c', true),
      () => config.feature('d').enable(),
      () => config.update((draft) => draft.disable('d')),
      () => config.updateFromBuffer(Buffer.from('01785634120300000002204000', 'hex')),
      () => {
        config.featureFlags = 0b1001;
      },
      () => {
        config.rows = 99;
      },
      () => config.setTerminalSettings(3, 1, 1),
    ]) {
      const before = config.toHex();
      change();
      assert.notEqual(config.toHex(), before, String(change));
      last += 1;
      await revision(config, last);
      assert.equal((await config.getHistory(1))[0].configHex, config.toHex(), String(change));
    }
  },

  async 'changes in quick succession share a revision'(t) {
    const config = open(t, { autoPersist: true });
    for (let flip = 0; flip < 10_001; flip += 1) config.toggleFeature('c');
    await revision(config, 1);
    assert.deepEqual(
      (await config.getHistory()).map(({ changes }) => changes),
      [['+c']],
    );
  },

  async 'closing persists what is pending, and waits for it'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    for (const end of ['close', 'destroy', Symbol.asyncDispose]) {
      const config = createProductionConfig({ persistPath, features: NAMES, autoPersist: LATE });
      config.toggleFeature('d');
      config[end]();
      await config.close();
    }
    const config = open(t, { persistPath });
    assert.deepEqual(
      (await config.getHistory()).map(({ changeReason, changes }) => [changeReason, changes]),
      [
        ['auto', ['+d']],
        ['auto', ['-d']],
        ['auto', ['+d']],
      ],
    );
  },

  async 'nothing is persisted when nothing has changed, or the last revision holds it'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const use = async (work) => {
      const config = createProductionConfig({ persistPath, features: NAMES, autoPersist: LATE });
      await work(config);
      await config.close();
      const reader = createProductionConfig({ persistPath });
      const reasons = (await reader.getHistory()).map(({ changeReason }) => changeReason);
      await reader.close();
      return reasons;
    };
    assert.deepEqual(await use(() => {}), []);
    assert.deepEqual(await use((config) => config.disableFeature('a')), [], 'it was off');
    assert.deepEqual(
      await use(async (config) => {
        config.enableFeature('a');
        await config.persist('by hand');
      }),
      ['by hand'],
    );
    assert.deepEqual(
      await use((config) => {
        config.disableFeature('a');
        config.enableFeature('a');
      }),
      ['by hand'],
      'there and back',
    );
    assert.deepEqual(await use((config) => config.enableFeature('b')), ['auto', 'by hand']);
    assert.deepEqual(
      await use(async (config) => {
        config.enableFeature('c');
        await config.rollback();
      }),
      ['rollback to revision 1', 'auto', 'by hand'],
    );
  },

  async 'a process that ends by itself has persisted its last change'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    for (const enableClusterSync of [false, true]) {
      const child = t.spawn(`
        import { createProductionConfig } from '13byte-config';
        createProductionConfig(${JSON.stringify({ persistPath, environment: `cluster-${enableClusterSync}`, enableClusterSync, autoPersist: true })})
          .enableFeature('metrics');
      `);
      assert.equal((await child.exited).code, 0);
      const config = open(t, { persistPath, environment: `cluster-${enableClusterSync}`, features: undefined });
      assert.deepEqual(config.getEnabledFeatures(), ['metrics']);
      assert.deepEqual(
        (await config.getHistory()).map(({ changeReason }) => changeReason),
        ['auto'],
      );
    }
  },

  async 'so has a thread'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath, autoPersist: LATE });
    const thread = startThread();
    t.after(() => thread.stop());
    await thread.tell('attach', config.share());
    await thread.tell('enableFeature', 'b');
    await thread.tell('close');
    assert.deepEqual(
      (await config.getHistory()).map(({ changes }) => changes),
      [['+b']],
    );
    await config.close();
    assert.equal((await open(t, { persistPath }).getHistory()).length, 1, 'which is not the change of the main thread');
  },

  async 'each process of a cluster persists what it changed itself'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true, features: NAMES };
    const config = open(t, options);
    const [writer, watcher] = [startProcess(), startProcess()];
    t.after(() => Promise.all([writer.stop(), watcher.stop()]));
    for (const [process, actor] of [
      [writer, 'writer'],
      [watcher, 'watcher'],
    ]) {
      await process.tell('open', { ...options, actor, autoPersist: LATE });
      await process.tell('listen');
    }
    await writer.tell('enableFeature', 'a');
    await watcher.tell('hears', ['a']);
    await watcher.tell('close');
    assert.deepEqual(await config.getHistory(), [], 'who only saw it persists nothing');
    await writer.tell('close');
    assert.deepEqual(
      (await config.getHistory()).map(({ actor, changes }) => [actor, changes]),
      [['writer', ['+a']]],
    );
  },

  async 'what another process has persisted already is not persisted again'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true, features: NAMES };
    const config = open(t, options);
    const processes = [startProcess(), startProcess(), startProcess()];
    t.after(() => Promise.all(processes.map((process) => process.stop())));
    for (const [index, process] of processes.entries()) {
      await process.tell('open', { ...options, actor: `process ${index}`, autoPersist: LATE });
      await process.tell('enableFeature', NAMES[index]);
    }
    await config.persist('all of it');
    for (const process of processes) await process.tell('close');
    assert.deepEqual(
      (await config.getHistory()).map(({ changeReason }) => changeReason),
      ['all of it'],
    );

    const busy = [startProcess(), startProcess()];
    t.after(() => Promise.all(busy.map((process) => process.stop())));
    for (const process of busy) await process.tell('open', { ...options, autoPersist: { debounceMs: 1 } });
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(busy.map((process, index) => process.tell('toggleFeature', NAMES[index])));
    }
    await Promise.all(busy.map((process) => process.tell('close')));
    // A slower process may append an older state later, which then is not the one that counts.
    const hex = config.toHex();
    assert.equal(await config.load(), true);
    assert.equal(config.toHex(), hex, 'the last state is persisted');
    const history = await config.getHistory(100);
    assert.ok(history.length <= 41, `${history.length}`);
  },

  async 'a failure is told, shows, and is over when the next one succeeds'(t) {
    const config = open(t, { autoPersist: { debounceMs: 0 } });
    const warned = once(process, 'warning');
    config.updateFromBuffer(INVALID);
    const [warning] = await warned;
    assert.equal(warning.name, 'ConfigWarning');
    assert.match(warning.message, /^A change was not persisted: /);
    const { store } = config.getDebugView();
    assert.equal(store.status, 'degraded');
    assert.equal(store.error.code, 'ERR_INVALID_STATE');
    assert.ok(config.validate().errors.some((error) => error.startsWith('Persistence is degraded: ')));
    assert.deepEqual(await config.getHistory(), []);

    config.featureFlags = 0b10;
    await revision(config, 1);
    while (config.getDebugView().store.status !== 'ok') await setImmediate();
    assert.deepEqual(config.validate(), { isValid: true, errors: [] });
    assert.deepEqual(
      (await config.getHistory()).map(({ changes }) => changes),
      [['+b']],
    );
  },

  async 'what has failed is tried again, until it is written'(t) {
    const config = open(t, { autoPersist: { debounceMs: 0 } });
    const warned = once(process, 'warning');
    config.updateFromBuffer(INVALID);
    assert.match((await warned)[0].message, /retried/);
    // Past the config, which so has no other change to persist.
    twinOf(t, config).featureFlags = 0b100;
    await revision(config, 1);
    const [{ changeReason, changes }] = await config.getHistory();
    assert.deepEqual([changeReason, changes], ['auto', ['+c']]);
  },

  async 'closing makes a last attempt at what has failed'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath, autoPersist: { debounceMs: 0 } });
    const warned = once(process, 'warning');
    config.updateFromBuffer(INVALID);
    await warned;
    twinOf(t, config).featureFlags = 0b1000;
    await config.close();
    assert.deepEqual(open(t, { persistPath }).getEnabledFeatures(), ['d']);
  },

  async 'closing rejects when the last attempt fails, and closes the config'(t) {
    for (const autoPersist of [LATE, { debounceMs: 0 }]) {
      for (const end of ['close', Symbol.asyncDispose]) {
        const persistPath = join(t.tempDir(), 'config.db');
        const config = createProductionConfig({ persistPath, features: NAMES, autoPersist });
        const warned = autoPersist === LATE ? undefined : once(process, 'warning');
        config.updateFromBuffer(INVALID);
        await warned;
        await assert.rejects(config[end](), { code: 'ERR_INVALID_STATE' });
        await assert.rejects(config.close(), { code: 'ERR_INVALID_STATE' }, 'the same promise');
        assert.throws(() => config.toHex(), { code: 'ERR_CLOSED' });
        // The last to close a database removes its log.
        assert.deepEqual(readdirSync(dirname(persistPath)), ['config.db']);
      }
    }
  },

  async 'what destroy() cannot write is a warning'(t) {
    for (const end of ['destroy', Symbol.dispose]) {
      const config = createProductionConfig({ persistPath: join(t.tempDir(), 'config.db'), autoPersist: LATE });
      const warned = once(process, 'warning');
      config.updateFromBuffer(INVALID);
      config[end]();
      const [{ name, message }] = await warned;
      assert.equal(name, 'ConfigWarning');
      assert.match(message, /could not be closed properly.*no feature owns/i);
      await assert.rejects(config.close(), { code: 'ERR_INVALID_STATE' });
    }
  },

  async 'a change that waits for its next attempt keeps the process running'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const child = t.spawn(`${FAILING}
      process.once('warning', () => { twin.featureFlags = 2; });
      fail(${JSON.stringify(persistPath)});
    `);
    const { code, stderr } = await child.exited;
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      (await open(t, { persistPath }).getHistory()).map(({ changeReason, changes }) => [changeReason, changes]),
      [['auto', ['+b']]],
    );
  },

  async 'but not for good: it ends, and says that a change is lost'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const hasty = `
      const { hrtime } = process;
      process.hrtime = Object.assign(() => hrtime().map((part) => part * 10_000), hrtime);
    `;
    const child = t.spawn(`${hasty}${FAILING} fail(${JSON.stringify(persistPath)});`);
    const { code, stderr } = await child.exited;
    assert.match(
      stderr,
      /A change was not persisted: .*retried[^]*A change was not persisted: .*the program exits without it/,
    );
    assert.equal(code, 1);
  },

  'its options are checked'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    for (const [autoPersist, code] of [
      [1, 'ERR_INVALID_TYPE'],
      ['yes', 'ERR_INVALID_TYPE'],
      [null, 'ERR_INVALID_TYPE'],
      [[], 'ERR_INVALID_TYPE'],
      [{ debounce: 1 }, 'ERR_UNKNOWN_OPTION'],
      [{ debounceMs: '1' }, 'ERR_INVALID_TYPE'],
      [{ debounceMs: -1 }, 'ERR_OUT_OF_RANGE'],
      [{ debounceMs: 0.5 }, undefined],
      [{ debounceMs: 86_400_001 }, 'ERR_OUT_OF_RANGE'],
      [{ debounceMs: Number.NaN }, undefined],
    ]) {
      assert.throws(
        () => createProductionConfig({ persistPath, autoPersist }),
        (error) => {
          if (code) assert.equal(error.code, code, JSON.stringify(autoPersist));
          return (
            /^(Invalid|Unknown option:?).*debounce|^Invalid autoPersist/.test(error.message) ||
            assert.fail(error.message)
          );
        },
      );
    }
    assert.throws(() => createProductionConfig({ autoPersist: true }), {
      code: 'ERR_INVALID_VALUE',
      message: 'Invalid autoPersist: it requires persistPath',
    });
    createProductionConfig({ autoPersist: false }).destroy();
  },
});

function open(t, options) {
  const config = createProductionConfig({ persistPath: join(t.tempDir(), 'config.db'), features: NAMES, ...options });
  t.after(() => config.close());
  return config;
}

/** The same memory past the config, which so does not count its changes as its own. */
function twinOf(t, config) {
  const { autoPersistMs: _own, ...handle } = config.share();
  const twin = attachConfig(handle);
  t.after(() => twin.close());
  return twin;
}

/** Waits until this revision is on disk. */
async function revision(config, number) {
  while ((config.getDebugView().revision ?? 0) < number) await setImmediate();
  assert.equal(config.getDebugView().revision, number);
}
