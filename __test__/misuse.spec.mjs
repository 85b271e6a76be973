import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inspect } from 'node:util';
import vm from 'node:vm';
import { ConfigCore13Byte, createProductionConfig } from '13byte-config';
import { override } from '13byte-config/testing';
import { suite } from './harness/suite.mjs';

/** What the methods need that look at their arguments first. */
const ARGUMENTS = {
  setTerminalSettings: [2, 24, 80],
  updateFromBuffer: [new Uint8Array(13)],
  setReserved: [0],
  setFeatureFlags: [0],
};
/** They fail with the engine's own words. */
const UNCHECKED = new Set(['enabled', 'isFeatureEnabledFor']);
const VALUES = { terminalMode: 2, rows: 24, cols: 80, reserved: 0, version: 1 };

export default suite('misuse', {
  async 'a method or accessor without its object throws an error with a code'(t) {
    const config = createProductionConfig();
    t.after(() => config.close());
    const feature = config.feature('debug');
    for (const object of [config, feature, new ConfigCore13Byte()]) {
      for (const self of [undefined, null, {}, new Proxy(object, {}), Object.create(object)]) {
        for (const [name, use] of usesOf(Object.getPrototypeOf(object))) {
          // Where a check is not free.
          if (UNCHECKED.has(name)) continue;
          await assert.rejects(
            async () => use(self),
            { name: 'TypeError', code: 'ERR_INVALID_THIS' },
            `${String(name)} on ${inspect(self)}`,
          );
        }
      }
    }
    const { isFeatureEnabled } = config;
    assert.throws(() => isFeatureEnabled('debug'), /called on undefined.*isFeatureEnabled\.bind\(config\)/);
    assert.equal(config.isFeatureEnabled.bind(config)('debug'), false);
  },

  'console.log of a proxy of a config prints, and does not throw'(t) {
    const config = createProductionConfig();
    t.after(() => config.close());
    for (const value of [new Proxy(config, {}), Object.create(config)]) {
      assert.match(inspect(value), /ProductionConfig/);
    }
  },

  async 'JSON of a config is its state by name, and that of a closed one says so'(t) {
    const config = createProductionConfig({ environment: 'staging', features: ['cart', 'pay'] });
    t.after(() => config.close());
    config.enableFeature('pay');
    config.setRollout('pay', 12.5);
    config.setTerminalSettings(1, 33, 99);
    assert.deepEqual(JSON.parse(JSON.stringify([config])), [config.getState()]);
    assert.deepEqual(JSON.parse(JSON.stringify(config)).features, {
      cart: { enabled: false, rollout: 100 },
      pay: { enabled: true, rollout: 12.5 },
    });
    assert.equal(JSON.stringify(config.feature('pay')), '{"name":"pay","enabled":true,"rollout":12.5}');
    assert.deepEqual(JSON.parse(JSON.stringify(new ConfigCore13Byte())), {
      version: 1,
      registryHash: 0x12345678,
      featureFlags: 7,
      terminalMode: 2,
      terminalRows: 24,
      terminalCols: 80,
      reserved: 0,
    });
    await config.close();
    assert.equal(JSON.stringify({ config }), '{"config":{"closed":true}}');
  },

  'a draft is refused once its update has ended, however it ended'(t) {
    const config = createProductionConfig();
    t.after(() => config.close());
    const drafts = [];
    config.update((draft) => drafts.push(draft) && draft.enable('metrics'));
    assert.throws(
      () =>
        config.update((draft) => {
          drafts.push(draft);
          throw new Error('no');
        }),
      /^Error: no$/,
    );
    assert.throws(() => config.update(async (draft) => drafts.push(draft)), { code: 'ERR_INVALID_TYPE' });
    assert.equal(drafts.length, 3);
    for (const { enable, disable, set, terminal } of drafts) {
      for (const use of [
        () => enable('debug'),
        () => disable('metrics'),
        () => set('debug', true),
        () => terminal(1, 2, 3),
      ]) {
        assert.throws(use, { name: 'ConfigError', code: 'ERR_DRAFT_ENDED' });
      }
    }
    assert.deepEqual(config.getEnabledFeatures(), ['metrics']);
  },

  'the methods of a draft work as functions of their own'(t) {
    const config = createProductionConfig();
    t.after(() => config.close());
    config.update(({ enable, disable, set, terminal }) => {
      enable('debug', 'metrics');
      disable('debug');
      set('caching', true);
      terminal(3, 4, 5);
    });
    assert.deepEqual(
      [config.getEnabledFeatures(), config.getTerminalSettings()],
      [['metrics', 'caching'], { mode: 3, rows: 4, cols: 5 }],
    );
  },

  'what is no path of a file is refused, and no file is made'(t) {
    const directory = t.tempDir();
    for (const path of [
      ':memory:',
      'file:flags.db',
      'file::memory:?cache=shared',
      'FILE:///tmp/flags.db',
      `file:${directory}/flags.db`,
    ]) {
      for (const options of [{}, { enableClusterSync: true }, { readOnly: true }, { onStoreError: 'degrade' }]) {
        assert.throws(
          () => createProductionConfig({ persistPath: path, ...options }),
          { name: 'RangeError', code: 'ERR_INVALID_VALUE' },
          path,
        );
      }
    }
    assert.throws(
      () => createProductionConfig({ persistPath: ':memory:' }),
      /a config without persistPath lives in memory/,
    );
    const odd = join(directory, ':memory:');
    const config = createProductionConfig({ persistPath: odd });
    t.after(() => config.close());
    assert.ok(readdirSync(directory).includes(basename(odd)), 'with a directory it is the path of a file');
  },

  async 'values of another realm are as good as those of this one'(t) {
    const persistPath = join(t.tempDir(), 'c.db');
    const config = createProductionConfig(
      Object.assign(other('({ debugMode: true })'), { persistPath, features: other("['a', 'b']") }),
    );
    t.after(() => config.close());
    const bytes = [...config.toBytes()];
    bytes[5] = 3;
    for (const make of [
      'new Uint8Array(bytes)',
      'new Uint8Array(bytes).buffer',
      'new DataView(new Uint8Array(bytes).buffer)',
    ]) {
      const record = other(`const bytes = [${bytes}]; ${make}`);
      config.updateFromBuffer(new Uint8Array(13));
      config.updateFromBuffer(record);
      assert.equal(config.featureFlags, 3, make);
      assert.equal(new ConfigCore13Byte(record).featureFlags, 3, make);
    }
    assert.throws(() => config.update(other('(draft) => Promise.reject(new Error("late"))')), {
      code: 'ERR_INVALID_TYPE',
    });
    assert.throws(() => config.updateFromBuffer({ byteLength: 13, [Symbol.toStringTag]: 'ArrayBuffer' }), {
      code: 'ERR_INVALID_TYPE',
    });
    // A signal of another realm has the methods of one, and another prototype.
    const { signal } = new AbortController();
    const foreign = {
      aborted: false,
      reason: undefined,
      throwIfAborted() {},
      addEventListener: signal.addEventListener.bind(signal),
      removeEventListener() {},
    };
    await config.persist('first', other('({ actor: "someone" })'));
    assert.equal((await config.verify({ signal: foreign })).ok, true);
    await assert.rejects(config.verify({ signal: { aborted: false } }), { code: 'ERR_INVALID_TYPE' });
    assert.equal(
      (
        await config.apply(
          other('({ terminal: { mode: 1, rows: 2, cols: 3 }, features: { a: { enabled: true, rollout: 5 } } })'),
          'r',
        )
      ).revision,
      2,
    );
    override(config, other('({ a: false })')).restore();
    override(new Proxy(config, { get: (target, name) => (name === 'share' ? () => target.share() : undefined) }), {
      a: false,
    }).restore();
  },
});

/** What code gives in a realm of its own. */
function other(code) {
  return vm.runInNewContext(code);
}

/** Each method and accessor of a prototype, as a function that uses it on any object. */
function usesOf(prototype) {
  const uses = [];
  for (const name of Reflect.ownKeys(prototype)) {
    const { value, get, set } = Object.getOwnPropertyDescriptor(prototype, name);
    if (name === 'constructor' || name === Symbol.for('nodejs.util.inspect.custom')) continue;
    // Accessors are always used on something.
    if (get) uses.push([name, (self) => get.call(Object(self))]);
    if (set) uses.push([name, (self) => set.call(Object(self), VALUES[name] ?? 0)]);
    if (typeof value === 'function') {
      uses.push([
        name,
        (self) => {
          const result = value.apply(self, ARGUMENTS[name] ?? []);
          return typeof result?.next === 'function' ? result.next() : result;
        },
      ]);
    }
  }
  assert.ok(uses.length > 5);
  return uses;
}
