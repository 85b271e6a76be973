import assert from 'node:assert/strict';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { ConfigCore13Byte, createProductionConfig } from '13byte-config';
import { suite } from './harness/suite.mjs';

export default suite('views', {
  'the debug view shows features, terminal and bytes'(t) {
    const config = open(t, { environment: 'staging' });
    config.enableFeature('debug');
    config.enableFeature('metrics');
    config.setTerminalSettings(2, 50, 120);
    assert.deepEqual(config.getDebugView(), {
      version: 1,
      registryHash: 0x1234_5678,
      environment: 'staging',
      features: {
        enabled: ['debug', 'metrics'],
        disabled: [
          'verbose',
          'logging',
          'caching',
          'compression',
          'encryption',
          'validation',
          'beta_feature',
          'new_feature',
          'maintenance_mode',
        ],
      },
      terminal: { mode: 2, modeName: 'raw', dimensions: '50x120', rows: 50, cols: 120 },
      rollouts: {},
      raw: {
        hex: '0x01785634120500000002327800',
        bytes: [0x01, 0x78, 0x56, 0x34, 0x12, 0x05, 0, 0, 0, 2, 50, 120, 0],
      },
      generation: 3,
      revision: null,
      store: { status: 'none' },
    });
  },

  'terminal modes have names'(t) {
    const config = open(t);
    const names = [0, 1, 2, 3].map((mode) => {
      config.terminalMode = mode;
      return config.getDebugView().terminal.modeName;
    });
    assert.deepEqual(names, ['disabled', 'cooked', 'raw', 'pipe']);
    config.updateFromBuffer(new Uint8Array(13).fill(9));
    assert.equal(config.getDebugView().terminal.modeName, 'unknown');
  },

  'the debug view of an unchanged state is the same object, frozen through and through'(t) {
    const config = open(t);
    config.enableFeature('debug');
    const view = config.getDebugView();
    assert.equal(config.getDebugView(), view);
    config.isFeatureEnabled('debug');
    config.enableFeature('debug');
    config.validate();
    assert.equal(config.getDebugView(), view);
    for (const [path, part] of parts('view', view)) assert.ok(Object.isFrozen(part), path);
    assert.throws(() => view.features.enabled.push('mine'), TypeError);
  },

  'every kind of change makes a new debug view, and the old one keeps what it showed'(t) {
    const config = open(t);
    for (const change of [
      () => config.enableFeature('debug'),
      () => config.toggleFeature('verbose'),
      () => config.setTerminalSettings(1, 2, 3),
      () => {
        config.rows = 4;
      },
      () => {
        config.registryHash = 5;
      },
      () => {
        config.featureFlags = 0;
      },
      () => config.update((draft) => draft.enable('caching')),
      () => config.updateFromBuffer(new ConfigCore13Byte().toBuffer()),
    ]) {
      const before = config.getDebugView();
      const { hex } = before.raw;
      change();
      const after = config.getDebugView();
      assert.notEqual(after, before, change.toString());
      assert.notEqual(after.raw.hex, hex, change.toString());
      assert.equal(after.raw.hex, config.toHex());
      assert.equal(before.raw.hex, hex);
      assert.equal(after.generation, before.generation + 1);
    }
  },

  'a change through the shared buffer makes a new debug view'(t) {
    const config = open(t);
    const { sharedBuffer } = config;
    if (t.runtime.name === 'node' && t.runtime.major === 20) {
      assert.equal(sharedBuffer, undefined);
      return;
    }
    const before = config.getDebugView();
    // As every writer of the page does: the change, then the count.
    const words = new Int32Array(sharedBuffer);
    Atomics.or(words, 2, 0b100);
    Atomics.add(words, 4, 1);
    const after = config.getDebugView();
    assert.notEqual(after, before);
    assert.deepEqual(after.features.enabled, ['metrics']);
    assert.equal(after.generation, before.generation + 1);
    assert.equal(config.getDebugView(), after);
  },

  'a state that was set by the API is valid'(t) {
    const config = open(t);
    assert.deepEqual(config.validate(), { isValid: true, errors: [] });
    config.enableFeature('maintenance_mode');
    config.setTerminalSettings(0, 1, 255);
    assert.deepEqual(config.validate(), { isValid: true, errors: [] });
  },

  'validation says what is wrong with a state from elsewhere'(t) {
    for (const [hex, errors] of [
      ['0x01785634120000000004185000', ['Invalid terminal mode: 4 (must be 0-3)']],
      ['0x01785634120000000002005000', ['Invalid rows: 0 (must be 1-255)']],
      ['0x01785634120000000002180000', ['Invalid cols: 0 (must be 1-255)']],
      ['0x01785634120000000002185008', ['Invalid reserved byte: 8 (must be 0)']],
      ['0x01785634120008000002185000', ['Invalid feature flags: no feature owns the bits 0x00000800']],
      [
        '0x017856341201000080ff0000ff',
        [
          'Invalid feature flags: no feature owns the bits 0x80000000',
          'Invalid terminal mode: 255 (must be 0-3)',
          'Invalid rows: 0 (must be 1-255)',
          'Invalid cols: 0 (must be 1-255)',
          'Invalid reserved byte: 255 (must be 0)',
        ],
      ],
      // Version and hash say where the record came from, and are not taken.
      ['0x09000000000000000002185000', []],
    ]) {
      const config = open(t);
      config.updateFromBuffer(ConfigCore13Byte.fromHex(hex).toBuffer());
      assert.deepEqual(config.validate(), { isValid: errors.length === 0, errors }, hex);
      assert.equal(config.toHex().slice(12), hex.slice(12), 'and the bytes are as they came');
    }
  },

  'an invalid state is mended field by field'(t) {
    const config = open(t);
    config.updateFromBuffer(ConfigCore13Byte.fromHex('0x01785634120100008009000009').toBuffer());
    assert.deepEqual(config.getEnabledFeatures(), ['debug']);
    config.rows = 24;
    config.cols = 80;
    config.terminalMode = 2;
    config.reserved = 0;
    assert.deepEqual(config.validate().errors, ['Invalid feature flags: no feature owns the bits 0x80000000']);
    config.featureFlags = 1;
    assert.deepEqual(config.validate(), { isValid: true, errors: [] });
  },

  'inspecting shows features and terminal, and no bytes'(t) {
    const config = open(t, { features: ['search', 'checkout'], environment: 'staging' });
    config.enableFeature('search');
    config.setTerminalSettings(2, 50, 120);
    for (const text of inspections(config)) {
      assert.match(text, /^ProductionConfig \{/);
      assert.match(text, /environment: ['"]staging['"]/);
      assert.match(text, /enabled: \[ ['"]search['"] \]/);
      assert.match(text, /disabled: \[ ['"]checkout['"] \]/);
      assert.match(text, /terminal: ['"]raw 50x120['"]/);
      assert.doesNotMatch(text, /\b0x|bytes|Int32Array|SharedArrayBuffer|#/);
    }
    for (const text of inspections({ config })) assert.match(text, /enabled: \[/);
    assert.equal(inspect({ config }, { depth: 0 }), '{ config: [ProductionConfig] }');
  },

  'inspecting a closed config says so'(t) {
    const config = open(t);
    config.destroy();
    for (const text of inspections(config)) assert.equal(text, 'ProductionConfig (closed)');
  },

  'inspecting colours where colours are asked for'(t) {
    const config = open(t);
    config.enableFeature('debug');
    const green = "\u001B[32m'debug'";
    assert.ok(inspect(config, { colors: true }).includes(green));
    assert.ok(!inspect(config, { colors: false }).includes('\u001B'));
  },

  async 'debugMode shows how long the operations took'(t) {
    const config = open(t, { debugMode: true, persistPath: join(t.tempDir(), 'config.db') });
    assert.deepEqual(config.getDebugView().timings, {}, 'nothing was called yet');
    for (let round = 0; round < 10; round += 1) config.isFeatureEnabled('debug');
    config.enableFeature('debug');
    const persisted = config.persist('timed');
    assert.equal('persist' in config.getDebugView().timings, false, 'an operation takes until its promise settles');
    await persisted;
    const { timings } = config.getDebugView();
    assert.deepEqual(Object.keys(timings).toSorted(), ['enableFeature', 'getDebugView', 'isFeatureEnabled', 'persist']);
    assert.equal(timings.isFeatureEnabled.calls, 10);
    assert.equal(timings.enableFeature.calls, 1);
    for (const [operation, { calls, lastNs, minNs, meanNs, maxNs }] of Object.entries(timings)) {
      assert.ok(calls >= 1, operation);
      for (const figure of [lastNs, minNs, meanNs, maxNs]) assert.ok(Number.isFinite(figure) && figure >= 0, operation);
      assert.ok(minNs <= meanNs && meanNs <= maxNs && minNs <= lastNs && lastNs <= maxNs, operation);
    }
  },

  async 'debugMode counts failures, too, and changes no outcome'(t) {
    const config = open(t, { debugMode: true });
    assert.throws(() => config.enableFeature('debgu'), { code: 'ERR_UNKNOWN_FEATURE' });
    await assert.rejects(config.persist('x'), { code: 'ERR_PERSISTENCE_DISABLED' });
    assert.equal(config.toggleFeature('debug'), true);
    assert.equal(
      config.update((draft) => draft.disable('debug')),
      true,
    );
    const { timings } = config.getDebugView();
    for (const operation of ['enableFeature', 'persist', 'toggleFeature', 'update']) {
      assert.equal(timings[operation].calls, 1, operation);
    }
    for (const text of inspections(config)) assert.match(text, /timings: \{/);
  },

  'without debugMode nothing is timed'(t) {
    const config = open(t);
    config.enableFeature('debug');
    assert.equal('timings' in config.getDebugView(), false);
    for (const text of inspections(config)) assert.doesNotMatch(text, /timings/);
  },
});

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}

/** What each way to look at a value in this runtime prints. */
function inspections(value) {
  const { Bun } = globalThis;
  return Bun ? [inspect(value), Bun.inspect(value)] : [inspect(value)];
}

/** An object and all the objects in it. */
function* parts(path, value) {
  if (typeof value !== 'object' || value === null) return;
  yield [path, value];
  for (const [key, part] of Object.entries(value)) yield* parts(`${path}.${key}`, part);
}
