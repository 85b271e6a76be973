import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { collectGarbage } from './children/collect-garbage.mjs';
import { calls, handles, reset } from './children/counted-binding.mjs';
import { suite } from './harness/suite.mjs';

// After the counters are in place: the package keeps the functions that it finds.
const { createProductionConfig } = await import('13byte-config');

const INITIAL_HEX = '0x01785634120000000002185000';
const CLOSED = {
  name: 'ConfigError',
  code: 'ERR_CLOSED',
  message: 'This config is closed. Create a new one',
};

export default suite('lifecycle', {
  async 'closing again gives the same promise'() {
    const config = createProductionConfig();
    const closed = config.close();
    assert.ok(closed instanceof Promise);
    assert.equal(config.close(), closed);
    assert.equal(await closed, undefined);
    assert.equal(config.close(), closed);
    config.destroy();
    config[Symbol.dispose]();
    assert.equal(config[Symbol.asyncDispose](), closed);
  },

  async 'destroying takes effect at once, and may be repeated'() {
    const config = createProductionConfig();
    assert.equal(config.destroy(), undefined);
    assert.throws(() => config.isFeatureEnabled('debug'), CLOSED);
    config.destroy();
    assert.equal(await config.close(), undefined);
  },

  async 'the symbols of `using` and `await using` end a config'() {
    const one = createProductionConfig();
    assert.equal(one[Symbol.dispose](), undefined);
    assert.throws(() => one.enableFeature('debug'), CLOSED);
    const other = createProductionConfig();
    await other[Symbol.asyncDispose]();
    assert.throws(() => other.enableFeature('debug'), CLOSED);
  },

  async 'after closing, every member fails with ERR_CLOSED'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    for (const options of [
      {},
      { persistPath },
      { debugMode: true },
      { readOnly: true },
      { persistPath, enableClusterSync: true },
    ]) {
      const config = createProductionConfig(options);
      const feature = config.feature('debug');
      await config.close();

      const uses = usesOf(config, feature);
      const members = Object.entries(Object.getOwnPropertyDescriptors(baseOf(config)));
      const untested = members
        .flatMap(([name, { set }]) => (set ? [name, `set ${name}`] : [name]))
        .filter((name) => name !== 'constructor' && !(name in uses) && !STAY.has(name));
      assert.deepEqual(untested, [], 'every member of the class has to be listed here');

      for (const [name, use] of Object.entries(uses)) {
        if (ASYNC.has(name)) await assert.rejects(use(), CLOSED, name);
        else assert.throws(use, CLOSED, name);
      }
    }
  },

  async 'the environment of a closed config can still be read'() {
    const config = createProductionConfig({ environment: 'staging' });
    await config.close();
    assert.equal(config.environment, 'staging');
  },

  async 'closing waits for persists that were started'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = createProductionConfig({ persistPath });
    config.enableFeature('debug');
    const settled = [];
    const persists = [1, 2, 3].map((number) => config.persist(`number ${number}`).then(() => settled.push(number)));
    await config.close();
    await Promise.all(persists);
    assert.deepEqual(settled, [1, 2, 3]);
    assert.equal(existsSync(`${persistPath}-wal`), false, 'and the database is closed');
    const next = createProductionConfig({ persistPath });
    t.after(() => next.close());
    assert.equal((await next.getHistory()).length, 3);
    assert.equal(next.isFeatureEnabled('debug'), true);
  },

  async 'persists that were started settle although the config is destroyed'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = createProductionConfig({ persistPath });
    config.enableFeature('metrics');
    const persist = config.persist('last words');
    config.destroy();
    // Whoever gets the freed page now must not end up in that revision.
    const next = createProductionConfig();
    t.after(() => next.close());
    next.featureFlags = 0b111_1111_1111;
    const { changeReason, configHex } = await persist;
    assert.equal(changeReason, 'last words');
    assert.equal(configHex, '0x01785634120400000002185000');
    await config.close();
  },

  async 'one of two configs of the same database can close without the other'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const [one, other] = [createProductionConfig({ persistPath }), createProductionConfig({ persistPath })];
    t.after(() => other.close());
    await one.persist('one');
    await one.close();
    await one.close();
    assert.equal((await other.persist('other')).revision, 2);
  },

  async 'a database can be opened, closed and opened again, many times'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    for (let round = 1; round <= 50; round += 1) {
      const config = createProductionConfig({ persistPath });
      assert.equal(config.getDebugView().revision, round === 1 ? null : round - 1);
      config.toggleFeature('debug');
      const { revision } = await config.persist(`round ${round}`);
      assert.equal(revision, round);
      // Every other time without waiting for the end.
      if (round % 2 === 0) await config.close();
      else config.destroy();
    }
  },

  'a page that is used again shows nothing of its last owner'(t) {
    reset();
    const first = Array.from({ length: 100 }, () => createProductionConfig({ features: ['a', 'b', 'c'] }));
    for (const config of first) {
      config.update((draft) => {
        draft.enable('a', 'b', 'c');
        draft.terminal(3, 1, 1);
      });
      config.registryHash = 0xffff_ffff;
      assert.ok(config.getDebugView().generation > 0);
      config.destroy();
    }
    const next = Array.from({ length: 100 }, () => createProductionConfig());
    t.after(() => Promise.all(next.map((config) => config.close())));
    assert.ok(new Set(handles).size < handles.length, 'pages were used again, so this case can fail');
    for (const config of next) {
      assert.equal(config.toHex(), INITIAL_HEX);
      assert.equal(config.getDebugView().generation, 0);
      assert.equal(config.getDebugView().revision, null);
    }
    // And the old configs are not a second way in.
    for (const config of first) assert.throws(() => config.enableFeature('a'), CLOSED);
    for (const config of next) assert.equal(config.toHex(), INITIAL_HEX);
  },

  'a page whose buffer somebody holds is not used again'(t) {
    reset();
    const first = createProductionConfig();
    const { sharedBuffer } = first;
    if (t.runtime.name === 'node' && t.runtime.major === 20) {
      assert.equal(sharedBuffer, undefined);
      first.destroy();
      return;
    }
    first.destroy();
    const others = Array.from({ length: 100 }, () => createProductionConfig());
    t.after(() => Promise.all(others.map((config) => config.close())));
    assert.ok(!handles.slice(1).includes(handles[0]));
    new Uint8Array(sharedBuffer).fill(0xff);
    for (const config of others) assert.equal(config.toHex(), INITIAL_HEX);
  },

  'ten thousand configs each keep their own state'() {
    reset();
    const configs = Array.from({ length: 10_000 }, (_, index) => {
      const config = createProductionConfig();
      config.featureFlags = index & 0x7ff;
      config.setTerminalSettings(index % 4, (index % 255) + 1, (index % 199) + 1);
      return config;
    });
    configs.forEach((config, index) => {
      assert.equal(config.featureFlags, index & 0x7ff);
      assert.deepEqual(config.getTerminalSettings(), {
        mode: index % 4,
        rows: (index % 255) + 1,
        cols: (index % 199) + 1,
      });
    });
    assert.equal(new Set(handles).size, configs.length);
    // Pages are slices of chunks of 512, and only a chunk has a buffer.
    assert.ok(calls.get('chunkBuffer') <= Math.ceil(configs.length / 512) + 1, `${calls.get('chunkBuffer')} buffers`);
    for (const config of configs) config.destroy();
    assert.equal(calls.get('releasePage'), configs.length);
  },

  async 'configs that were dropped without closing give their pages back'(t) {
    reset();
    const survivor = createProductionConfig();
    t.after(() => survivor.close());
    survivor.enableFeature('debug');
    (() => {
      for (let index = 0; index < 1000; index += 1) createProductionConfig().enableFeature('verbose');
    })();
    // A conservative collector may miss some that look alive from the stack.
    for (let turn = 0; turn < 2000 && released() < 900; turn += 1) {
      collectGarbage();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(released() >= 900, `${released()} of 1,000 pages were given back`);
    assert.equal(survivor.isFeatureEnabled('debug'), true);
  },
});

/** Members that work on a closed config, too. */
const STAY = new Set([
  'environment',
  'toJSON',
  'healthCheck',
  'close',
  'destroy',
  'off',
  'removeListener',
  'removeAllListeners',
  'listenerCount',
]);

/** Members that return promises. */
const ASYNC = new Set([
  'persist',
  'load',
  'getHistory',
  'getEnvironments',
  'rollback',
  'apply',
  'commit',
  'retireFeature',
  'reviveFeature',
  'getRetiredFeatures',
  'diff',
  'promote',
  'verify',
  'prune',
  'backup',
  'changes',
]);

/** A use of every member. */
function usesOf(config, feature) {
  return {
    isFeatureEnabled: () => config.isFeatureEnabled('debug'),
    hasFeature: () => config.hasFeature('debug'),
    getFeatureInfo: () => config.getFeatureInfo('debug'),
    enableFeature: () => config.enableFeature('debug'),
    disableFeature: () => config.disableFeature('debug'),
    setFeature: () => config.setFeature('debug', true),
    toggleFeature: () => config.toggleFeature('debug'),
    feature: () => config.feature('debug'),
    'feature.enabled': () => feature.enabled,
    'feature.enable': () => feature.enable(),
    'feature.disable': () => feature.disable(),
    'feature.isEnabledFor': () => feature.isEnabledFor('user'),
    'feature.rollout': () => feature.rollout,
    isFeatureEnabledFor: () => config.isFeatureEnabledFor('debug', 'user'),
    getRollout: () => config.getRollout('debug'),
    setRollout: () => config.setRollout('debug', 50),
    getEnabledFeatures: () => config.getEnabledFeatures(),
    getFeatureNames: () => config.getFeatureNames(),
    update: () => config.update((draft) => draft.enable('debug')),
    updateFromBanks: () => config.updateFromBanks(new Uint8Array(13)),
    updateFromBuffer: () => config.updateFromBuffer(new Uint8Array(13)),
    setTerminalSettings: () => config.setTerminalSettings(2, 24, 80),
    getTerminalSettings: () => config.getTerminalSettings(),
    version: () => config.version,
    'set version': () => {
      config.version = 1;
    },
    registryHash: () => config.registryHash,
    'set registryHash': () => {
      config.registryHash = 1;
    },
    featureFlags: () => config.featureFlags,
    'set featureFlags': () => {
      config.featureFlags = 1;
    },
    terminalMode: () => config.terminalMode,
    'set terminalMode': () => {
      config.terminalMode = 1;
    },
    rows: () => config.rows,
    'set rows': () => {
      config.rows = 1;
    },
    cols: () => config.cols,
    'set cols': () => {
      config.cols = 1;
    },
    reserved: () => config.reserved,
    'set reserved': () => {
      config.reserved = 0;
    },
    retireFeature: () => config.retireFeature('debug'),
    reviveFeature: () => config.reviveFeature('debug'),
    getRetiredFeatures: () => config.getRetiredFeatures(),
    toBanks: () => config.toBanks(),
    toBytes: () => config.toBytes(),
    toHex: () => config.toHex(),
    getCore: () => config.getCore(),
    sharedBuffer: () => config.sharedBuffer,
    getDebugView: () => config.getDebugView(),
    getState: () => config.getState(),
    validate: () => config.validate(),
    persist: () => config.persist('too late'),
    persistSync: () => config.persistSync('too late'),
    persisted: () => config.persisted,
    live: () => config.live,
    load: () => config.load(),
    getHistory: () => config.getHistory(),
    getEnvironments: () => config.getEnvironments(),
    rollback: () => config.rollback(),
    apply: () => config.apply({ terminal: { mode: 2, rows: 24, cols: 80 }, features: {} }),
    commit: () => config.commit((draft) => draft.enable('debug')),
    diff: () => config.diff(1, 2),
    promote: () => config.promote('production'),
    verify: () => config.verify(),
    prune: () => config.prune({ keep: 1 }),
    backup: () => config.backup('copy.db'),
    getMetrics: () => config.getMetrics(),
    metricsText: () => config.metricsText(),
    on: () => config.on('change', () => {}),
    once: () => config.once('change', () => {}),
    addListener: () => config.addListener('change', () => {}),
    prependListener: () => config.prependListener('change', () => {}),
    changes: () => config.changes().next(),
    ref: () => config.ref(),
    unref: () => config.unref(),
    share: () => config.share(),
  };
}

/** The prototype that has the public members. */
function baseOf(config) {
  let prototype = Object.getPrototypeOf(config);
  while (Object.getPrototypeOf(prototype) !== EventEmitter.prototype) prototype = Object.getPrototypeOf(prototype);
  return prototype;
}

/** How many pages were given back. */
function released() {
  return calls.get('releasePage') ?? 0;
}
