import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createDevelopmentConfig, createProductionConfig, DEFAULT_FEATURES } from '13byte-config';
import { suite } from './harness/suite.mjs';

const ALL_DEFAULTS =
  'debug, verbose, metrics, logging, caching, compression, encryption, validation, beta_feature, new_feature, maintenance_mode';

/** 32 names: one for every bit there is. */
const THIRTY_TWO = Array.from({ length: 32 }, (_, bit) => `feature_${bit}`);

export default suite('features', {
  'a production config starts with every feature off'(t) {
    const config = open(t);
    assert.deepEqual(config.getEnabledFeatures(), []);
    assert.equal(config.featureFlags, 0);
    for (const name of DEFAULT_FEATURES) assert.equal(config.isFeatureEnabled(name), false);
  },

  'a development config starts with debug, verbose and logging on'(t) {
    const config = createDevelopmentConfig();
    t.after(() => config.close());
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'verbose', 'logging']);

    const custom = createDevelopmentConfig({ features: ['search', 'verbose'] });
    t.after(() => custom.close());
    assert.deepEqual(custom.getEnabledFeatures(), ['verbose'], 'as far as it has these features');
  },

  'a name that may not exist is read with a fallback'(t) {
    const config = open(t);
    for (const fallback of [true, false]) {
      assert.equal(config.isFeatureEnabled('debug', fallback), false, 'there is one, and it is off');
      for (const unknown of ['', 'debgu', 'x'.repeat(70_000), '__proto__', 'toString', 'débug', 'DEBUG']) {
        assert.equal(config.isFeatureEnabled(unknown, fallback), fallback);
        assert.equal(config.hasFeature(unknown), false);
      }
    }
    config.enableFeature('debug');
    assert.equal(config.isFeatureEnabled('debug', false), true);
    assert.equal(config.hasFeature('debug'), true);

    assert.throws(() => config.isFeatureEnabled('debgu', undefined), { code: 'ERR_UNKNOWN_FEATURE' });
    for (const invalid of [null, 0, 'false', {}]) {
      assert.throws(() => config.isFeatureEnabled('debgu', invalid), {
        code: 'ERR_INVALID_TYPE',
        message: /^Invalid fallback: .*true or false/,
      });
    }
    for (const invalid of [undefined, null, 7, Symbol('debug')]) {
      assert.throws(() => config.isFeatureEnabled(invalid, true), { code: 'ERR_INVALID_TYPE' });
      assert.throws(() => config.hasFeature(invalid), { code: 'ERR_INVALID_TYPE' });
    }
  },

  async 'a closed config has no features to ask for, nor a fallback'() {
    const config = createProductionConfig();
    await config.close();
    assert.throws(() => config.hasFeature('debug'), { code: 'ERR_CLOSED' });
    assert.throws(() => config.isFeatureEnabled('debgu', true), { code: 'ERR_CLOSED' });
  },

  'enabling and disabling tell whether anything changed'(t) {
    const config = open(t);
    assert.equal(config.enableFeature('beta_feature'), true);
    assert.equal(config.enableFeature('beta_feature'), false);
    assert.equal(config.isFeatureEnabled('beta_feature'), true);
    assert.equal(config.disableFeature('beta_feature'), true);
    assert.equal(config.disableFeature('beta_feature'), false);
    assert.equal(config.isFeatureEnabled('beta_feature'), false);
  },

  'setting tells whether anything changed, toggling what it is now'(t) {
    const config = open(t);
    assert.equal(config.setFeature('new_feature', true), true);
    assert.equal(config.setFeature('new_feature', true), false);
    assert.equal(config.setFeature('new_feature', false), true);
    assert.equal(config.setFeature('new_feature', false), false);
    assert.equal(config.toggleFeature('maintenance_mode'), true);
    assert.deepEqual(config.getEnabledFeatures(), ['maintenance_mode']);
    assert.equal(config.toggleFeature('maintenance_mode'), false);
    assert.deepEqual(config.getEnabledFeatures(), []);
  },

  'every flip moves one bit and leaves the others alone'(t) {
    const config = open(t);
    DEFAULT_FEATURES.forEach((name, bit) => {
      config.featureFlags = 0;
      config.enableFeature(name);
      assert.equal(config.featureFlags, 1 << bit);
      config.featureFlags = 0b111_1111_1111;
      config.disableFeature(name);
      assert.equal(config.featureFlags, 0b111_1111_1111 & ~(1 << bit));
      config.toggleFeature(name);
      assert.equal(config.featureFlags, 0b111_1111_1111);
    });
  },

  'only a flip that changes something counts as a change'(t) {
    const config = open(t);
    const start = config.getDebugView().generation;
    config.disableFeature('debug');
    config.setFeature('debug', false);
    assert.equal(config.getDebugView().generation, start);
    config.enableFeature('debug');
    config.enableFeature('debug');
    assert.equal(config.getDebugView().generation, start + 1);
    config.toggleFeature('debug');
    assert.equal(config.getDebugView().generation, start + 2);
  },

  'names are listed in bit order, whatever the order of enabling'(t) {
    const config = open(t);
    for (const name of ['new_feature', 'debug', 'caching']) config.enableFeature(name);
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'caching', 'new_feature']);
    assert.deepEqual(config.getFeatureNames(), [...DEFAULT_FEATURES]);
    assert.equal(DEFAULT_FEATURES.join(', '), ALL_DEFAULTS);
  },

  'lists are copies'(t) {
    const config = open(t);
    config.getEnabledFeatures().push('verbose');
    config.getFeatureNames().push('mine');
    assert.deepEqual(config.getEnabledFeatures(), []);
    assert.equal(config.getFeatureNames().length, 11);
    assert.throws(() => config.isFeatureEnabled('mine'), { code: 'ERR_UNKNOWN_FEATURE' });
  },

  'an unknown name is refused with all the names there are, and nothing changes'(t) {
    const config = open(t);
    config.enableFeature('metrics');
    const before = config.getDebugView();
    for (const [operation, call] of Object.entries(callsWith(config, 'unknown_feature'))) {
      assert.throws(
        call,
        {
          name: 'ConfigError',
          code: 'ERR_UNKNOWN_FEATURE',
          message: `Unknown feature: unknown_feature. Available: ${ALL_DEFAULTS}`,
        },
        operation,
      );
    }
    assert.equal(config.getDebugView(), before);
  },

  'the message lists the names of a custom list in bit order'(t) {
    const config = open(t, { features: ['search', 'checkout', 'a.b-c_9'] });
    assert.throws(() => config.enableFeature('debug'), {
      message: 'Unknown feature: debug. Available: search, checkout, a.b-c_9',
    });
  },

  'names that every object inherits are unknown features'(t) {
    const config = open(t);
    const inherited = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf', '__proto__', ''];
    for (const name of inherited) {
      for (const [operation, call] of Object.entries(callsWith(config, name))) {
        assert.throws(
          call,
          { code: 'ERR_UNKNOWN_FEATURE', message: `Unknown feature: ${name}. Available: ${ALL_DEFAULTS}` },
          `${operation}('${name}')`,
        );
      }
    }
    assert.equal(config.featureFlags, 0);
  },

  'names that every object inherits can be features like any other'(t) {
    const features = ['toString', 'constructor', 'hasOwnProperty', 'valueOf'];
    const config = open(t, { features });
    assert.deepEqual(config.getEnabledFeatures(), []);
    config.enableFeature('constructor');
    assert.equal(config.isFeatureEnabled('toString'), false);
    assert.deepEqual(config.getEnabledFeatures(), ['constructor']);
    assert.deepEqual(config.getDebugView().features.disabled, ['toString', 'hasOwnProperty', 'valueOf']);
  },

  'a name that is not a string is refused by reads and writes, and nothing changes'(t) {
    const config = open(t);
    const before = config.getDebugView();
    for (const [value, shown] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [0, '0'],
      [1, '1'],
      [Number.NaN, 'NaN'],
      [1n, '1n'],
      [true, 'true'],
      [Symbol('debug'), 'Symbol(debug)'],
      [{}, 'an instance of Object'],
      [() => 'debug', 'an instance of Function'],
    ]) {
      for (const [operation, call] of Object.entries(callsWith(config, value))) {
        assert.throws(
          call,
          {
            name: 'TypeError',
            code: 'ERR_INVALID_TYPE',
            message: `Invalid feature name: ${shown} (must be a string)`,
          },
          `${operation}(${shown})`,
        );
      }
    }
    assert.equal(config.getDebugView(), before);
  },

  'a value that is not a boolean is refused, and nothing changes'(t) {
    const config = open(t);
    const before = config.getDebugView();
    for (const [value, shown] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [0, '0'],
      [1, '1'],
      ['true', '"true"'],
      [[], 'an array'],
    ]) {
      const error = {
        name: 'TypeError',
        code: 'ERR_INVALID_TYPE',
        message: `Invalid feature value: ${shown} (must be true or false)`,
      };
      assert.throws(() => config.setFeature('debug', value), error);
      assert.throws(() => config.update((draft) => draft.set('debug', value)), error);
    }
    assert.equal(config.getDebugView(), before);
  },

  'thirty-two features use every bit, the sign bit too'(t) {
    const config = open(t, { features: THIRTY_TWO });
    assert.equal(config.enableFeature('feature_31'), true);
    assert.equal(config.isFeatureEnabled('feature_31'), true);
    assert.equal(config.featureFlags, 0x8000_0000);
    assert.equal(config.enableFeature('feature_31'), false);
    assert.deepEqual(config.getEnabledFeatures(), ['feature_31']);
    assert.equal(config.toHex().slice(12, 20), '00000080');

    assert.equal(config.toggleFeature('feature_31'), false);
    assert.equal(config.toggleFeature('feature_31'), true);
    for (const name of THIRTY_TWO) config.enableFeature(name);
    assert.equal(config.featureFlags, 0xffff_ffff);
    assert.deepEqual(config.getEnabledFeatures(), THIRTY_TWO);
    assert.equal(config.disableFeature('feature_31'), true);
    assert.equal(config.featureFlags, 0x7fff_ffff);
    assert.deepEqual(config.validate(), { isValid: true, errors: [] });
  },

  'a feature by itself reads and flips the same state'(t) {
    const config = open(t);
    const beta = config.feature('beta_feature');
    assert.equal(beta.name, 'beta_feature');
    assert.equal(beta.enabled, false);
    assert.equal(beta.enable(), true);
    assert.equal(beta.enable(), false);
    assert.equal(beta.enabled, true);
    assert.equal(config.isFeatureEnabled('beta_feature'), true);
    config.disableFeature('beta_feature');
    assert.equal(beta.enabled, false);
    assert.equal(beta.disable(), false);
  },

  'the registry hash tells which list of names is in use'(t) {
    assert.equal(open(t).registryHash, 0x1234_5678);
    assert.equal(open(t, { features: DEFAULT_FEATURES }).registryHash, 0x1234_5678);
    assert.equal(open(t, { features: ['a', 'b', 'c'] }).registryHash, 0x2058_86c9);
    assert.notEqual(open(t, { features: ['b', 'a', 'c'] }).registryHash, 0x2058_86c9);
  },

  'two configs have nothing to do with each other'(t) {
    const [one, other] = [open(t), open(t)];
    one.enableFeature('debug');
    one.setTerminalSettings(3, 1, 1);
    assert.deepEqual(other.getEnabledFeatures(), []);
    assert.deepEqual(other.getTerminalSettings(), { mode: 2, rows: 24, cols: 80 });
  },

  async 'flips from several threads never lose each other'(t) {
    const config = open(t);
    const { sharedBuffer } = config;
    if (t.runtime.name === 'node' && t.runtime.major === 20) {
      assert.equal(sharedBuffer, undefined, 'this runtime cannot share native memory');
      return;
    }
    assert.ok(sharedBuffer instanceof SharedArrayBuffer);
    assert.equal(sharedBuffer.byteLength, 128);
    config.enableFeature('caching');

    // What two workers and this thread do is all to the same word: each flips a feature of its own, and would see it
    // change under its hands if any two flips overwrote each other.
    const control = new Int32Array(new SharedArrayBuffer(8));
    const workers = ['debug', 'verbose'].map((_, bit) => {
      const workerData = { sharedBuffer, control, bit, rounds: 50_000 };
      return new Worker(new URL('./children/flipper.mjs', import.meta.url), { workerData });
    });
    const exits = workers.map((worker) => once(worker, 'exit'));
    const ready = await Promise.all(workers.map((worker) => once(worker, 'message')));
    assert.deepEqual(ready, [['ready'], ['ready']]);
    const answers = workers.map((worker) => once(worker, 'message'));

    Atomics.store(control, 0, 1);
    Atomics.notify(control, 0);
    let [lost, rounds] = [0, 0];
    while (Atomics.load(control, 1) < workers.length || rounds < 1000) {
      config.enableFeature('maintenance_mode');
      if (!config.isFeatureEnabled('maintenance_mode')) lost += 1;
      config.disableFeature('maintenance_mode');
      if (config.isFeatureEnabled('maintenance_mode')) lost += 1;
      rounds += 1;
    }
    assert.deepEqual(await Promise.all(answers), [[{ lost: 0 }], [{ lost: 0 }]]);
    assert.equal(lost, 0);
    await Promise.all(exits);
    // Each worker ends with its feature on.
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'verbose', 'caching']);
  },

  'a change through the shared buffer is a change of the config'(t) {
    const config = open(t);
    const { sharedBuffer } = config;
    if (t.runtime.name === 'node' && t.runtime.major === 20) {
      assert.equal(sharedBuffer, undefined);
      return;
    }
    assert.equal(config.sharedBuffer, sharedBuffer, 'the same object every time');
    const words = new Int32Array(sharedBuffer);
    Atomics.or(words, 2, 0b1000);
    assert.equal(config.isFeatureEnabled('logging'), true);
    config.enableFeature('debug');
    assert.equal(Atomics.load(words, 2), 0b1001);
    Atomics.store(words, 3, 3 | (50 << 8) | (120 << 16));
    assert.deepEqual(config.getTerminalSettings(), { mode: 3, rows: 50, cols: 120 });
    // The page says what it is: magic, version, registry hash.
    assert.equal(new TextDecoder().decode(new Uint8Array(sharedBuffer.slice(0, 3))), '13B');
    assert.equal(new DataView(sharedBuffer).getUint8(3), 1);
    assert.equal(Atomics.load(words, 1), 0x1234_5678);
  },
});

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}

/** Every way to name a feature. */
function callsWith(config, name) {
  return {
    isFeatureEnabled: () => config.isFeatureEnabled(name),
    enableFeature: () => config.enableFeature(name),
    disableFeature: () => config.disableFeature(name),
    toggleFeature: () => config.toggleFeature(name),
    'setFeature to true': () => config.setFeature(name, true),
    'setFeature to false': () => config.setFeature(name, false),
    feature: () => config.feature(name),
    'update, enable': () => config.update((draft) => draft.enable(name, 'debug')),
    'update, disable': () => config.update((draft) => draft.disable(name)),
    'update, set': () => config.update((draft) => draft.set(name, true)),
  };
}
