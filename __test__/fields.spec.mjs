import assert from 'node:assert/strict';
import { ConfigCore13Byte, createProductionConfig } from '13byte-config';
import { suite } from './harness/suite.mjs';

/** The fields that a config checks on assignment: name, what messages call it, range, another valid value. */
const FIELDS = [
  ['version', 'version', 1, 1],
  ['registryHash', 'registry hash', 0, 0xffff_ffff],
  ['featureFlags', 'feature flags', 0, 0xffff_ffff],
  ['terminalMode', 'terminal mode', 0, 3],
  ['rows', 'rows', 1, 255],
  ['cols', 'cols', 1, 255],
  ['reserved', 'reserved byte', 0, 0],
];

const INITIAL_HEX = '0x01785634120000000002185000';

export default suite('fields and terminal', {
  'a new config has the fields of the default record, with no feature on'(t) {
    const config = open(t);
    assert.equal(config.toHex(), INITIAL_HEX);
    assert.deepEqual([...config.toBytes()], [...Buffer.from(INITIAL_HEX.slice(2), 'hex')]);
    assert.equal(config.version, 1);
    assert.equal(config.registryHash, 0x1234_5678);
    assert.equal(config.featureFlags, 0);
    assert.equal(config.terminalMode, 2);
    assert.equal(config.rows, 24);
    assert.equal(config.cols, 80);
    assert.equal(config.reserved, 0);
    assert.deepEqual(config.getTerminalSettings(), { mode: 2, rows: 24, cols: 80 });
  },

  'fields are assigned one by one'(t) {
    const config = open(t);
    config.version = 1;
    config.registryHash = 0xdead_beef;
    config.featureFlags = 0b101_0000_0011;
    config.terminalMode = 3;
    config.rows = 255;
    config.cols = 1;
    config.reserved = 0;
    assert.equal(config.toHex(), '0x01efbeadde0305000003ff0100');
    assert.equal(config.registryHash, 0xdead_beef);
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'verbose', 'beta_feature', 'maintenance_mode']);
    assert.deepEqual(config.getTerminalSettings(), { mode: 3, rows: 255, cols: 1 });
  },

  'terminal settings are set together'(t) {
    const config = open(t);
    config.setTerminalSettings(2, 50, 120);
    assert.deepEqual(config.getTerminalSettings(), { mode: 2, rows: 50, cols: 120 });
    for (const settings of [
      [0, 1, 1],
      [1, 255, 255],
      [3, 128, 200],
    ]) {
      config.setTerminalSettings(...settings);
      const { mode, rows, cols } = config.getTerminalSettings();
      assert.deepEqual([mode, rows, cols], settings);
      assert.deepEqual([config.terminalMode, config.rows, config.cols], settings);
      assert.equal(config.reserved, 0);
    }
    assert.deepEqual(config.getEnabledFeatures(), [], 'and features stay as they are');
  },

  'only an assignment that changes something counts as a change'(t) {
    const config = open(t);
    const start = config.getDebugView().generation;
    config.setTerminalSettings(2, 24, 80);
    for (const [field] of FIELDS) {
      const value = config[field];
      config[field] = value;
    }
    config.updateFromBuffer(config.toBytes());
    assert.equal(config.getDebugView().generation, start);
    config.setTerminalSettings(3, 25, 81);
    assert.equal(config.getDebugView().generation, start + 1, 'three fields, one change');
    config.rows = 26;
    config.featureFlags = 1;
    assert.equal(config.getDebugView().generation, start + 3);
  },

  'terminal settings out of range are refused by name, and nothing changes'(t) {
    const config = open(t);
    const before = config.getDebugView();
    for (const [settings, message] of [
      [[-1, 24, 80], 'Invalid terminal mode: -1 (must be 0-3)'],
      [[4, 24, 80], 'Invalid terminal mode: 4 (must be 0-3)'],
      [[2.5, 24, 80], 'Invalid terminal mode: 2.5 (must be 0-3)'],
      [[Number.NaN, 24, 80], 'Invalid terminal mode: NaN (must be 0-3)'],
      [[3, 0, 80], 'Invalid rows: 0 (must be 1-255)'],
      [[3, -0, 80], 'Invalid rows: 0 (must be 1-255)'],
      [[3, 256, 80], 'Invalid rows: 256 (must be 1-255)'],
      [[3, 24.5, 80], 'Invalid rows: 24.5 (must be 1-255)'],
      [[3, Number.NaN, 80], 'Invalid rows: NaN (must be 1-255)'],
      [[3, Infinity, 80], 'Invalid rows: Infinity (must be 1-255)'],
      [[3, 24, 0], 'Invalid cols: 0 (must be 1-255)'],
      [[3, 24, 256], 'Invalid cols: 256 (must be 1-255)'],
      [[3, 24, 1e-7], 'Invalid cols: 1e-7 (must be 1-255)'],
      [[3, 24, Number.NaN], 'Invalid cols: NaN (must be 1-255)'],
      [[3, 24, -Infinity], 'Invalid cols: -Infinity (must be 1-255)'],
    ]) {
      const error = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message };
      assert.throws(() => config.setTerminalSettings(...settings), error);
      assert.throws(() => config.update((draft) => draft.terminal(...settings)), error);
    }
    assert.equal(config.getDebugView(), before);
    assert.equal(config.toHex(), INITIAL_HEX);
  },

  'terminal settings of another type are refused by name, and nothing changes'(t) {
    const config = open(t);
    const before = config.getDebugView();
    for (const [settings, message] of [
      [[], 'Invalid terminal mode: undefined (must be 0-3)'],
      [['2', 24, 80], 'Invalid terminal mode: "2" (must be 0-3)'],
      [['raw', 24, 80], 'Invalid terminal mode: "raw" (must be 0-3)'],
      [[2n, 24, 80], 'Invalid terminal mode: 2n (must be 0-3)'],
      [[true, 24, 80], 'Invalid terminal mode: true (must be 0-3)'],
      [[3], 'Invalid rows: undefined (must be 1-255)'],
      [[3, '24', 80], 'Invalid rows: "24" (must be 1-255)'],
      [[3, null, 80], 'Invalid rows: null (must be 1-255)'],
      [[3, [24], 80], 'Invalid rows: an array (must be 1-255)'],
      [[3, 24], 'Invalid cols: undefined (must be 1-255)'],
      [[3, 24, 80n], 'Invalid cols: 80n (must be 1-255)'],
      [[3, 24, new Date(80)], 'Invalid cols: an instance of Date (must be 1-255)'],
    ]) {
      const error = { name: 'TypeError', code: 'ERR_INVALID_TYPE', message };
      assert.throws(() => config.setTerminalSettings(...settings), error);
      assert.throws(() => config.update((draft) => draft.terminal(...settings)), error);
    }
    assert.equal(config.getDebugView(), before);
  },

  'every field refuses values out of range and of another type, and nothing changes'(t) {
    const config = open(t, { features: Array.from({ length: 32 }, (_, bit) => `f${bit}`) });
    const before = config.getDebugView();
    for (const [field, name, min, max] of FIELDS) {
      const range = min === max ? `${min}` : `${min}-${max}`;
      const assign = (value) => () => {
        config[field] = value;
      };
      for (const value of [min - 1, max + 1, min + 0.5, Number.NaN, Infinity, -Infinity, 2 ** 53]) {
        assert.throws(
          assign(value),
          { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: `Invalid ${name}: ${value} (must be ${range})` },
          `${field} = ${value}`,
        );
      }
      for (const [value, shown] of [
        [undefined, 'undefined'],
        [null, 'null'],
        [`${min}`, `"${min}"`],
        [BigInt(min), `${min}n`],
        [true, 'true'],
        [{}, 'an instance of Object'],
      ]) {
        assert.throws(
          assign(value),
          { name: 'TypeError', code: 'ERR_INVALID_TYPE', message: `Invalid ${name}: ${shown} (must be ${range})` },
          `${field} = ${shown}`,
        );
      }
    }
    assert.equal(config.getDebugView(), before);
  },

  'negative zero is zero'(t) {
    const config = open(t);
    config.terminalMode = -0;
    assert.ok(Object.is(config.terminalMode, 0));
    config.featureFlags = -0;
    assert.ok(Object.is(config.featureFlags, 0));
    assert.throws(
      () => {
        config.rows = -0;
      },
      { message: 'Invalid rows: 0 (must be 1-255)' },
    );
  },

  'flags of bits that no feature owns are refused, and nothing changes'(t) {
    const config = open(t);
    config.enableFeature('debug');
    const before = config.getDebugView();
    for (const [flags, bits] of [
      [0b1000_0000_0000, '0x00000800'],
      [0xffff_ffff, '0xfffff800'],
      [0x8000_0001, '0x80000000'],
    ]) {
      assert.throws(
        () => {
          config.featureFlags = flags;
        },
        {
          name: 'RangeError',
          code: 'ERR_OUT_OF_RANGE',
          message: `Invalid feature flags: no feature owns the bits ${bits}`,
        },
      );
    }
    assert.equal(config.getDebugView(), before);
  },

  'flags can be combined as numbers'(t) {
    const config = open(t);
    config.featureFlags |= 0b1000_0000;
    assert.deepEqual(config.getEnabledFeatures(), ['validation']);
    config.featureFlags &= ~0b1000_0000;
    assert.deepEqual(config.getEnabledFeatures(), []);
  },

  'a record from a buffer sets flags and terminal, and nothing else'(t) {
    const config = open(t, { features: ['a', 'b', 'c'] });
    const core = new ConfigCore13Byte();
    core.setRegistryHash(1);
    core.setFeatureFlags(0b101);
    core.setTerminalMode(1);
    core.setTerminalRows(50);
    core.setTerminalCols(120);
    const generation = config.getDebugView().generation;
    config.updateFromBuffer(core.toBuffer());
    assert.deepEqual(config.getEnabledFeatures(), ['a', 'c']);
    assert.deepEqual(config.getTerminalSettings(), { mode: 1, rows: 50, cols: 120 });
    assert.equal(config.registryHash, 0x2058_86c9, 'the hash describes the names here, not those there');
    assert.equal(config.version, 1);
    assert.equal(config.getDebugView().generation, generation + 1, 'one change');
  },

  'buffers of every type are taken'(t) {
    const bytes = [...Buffer.from('01000000000500000003306400', 'hex')];
    const shared = new SharedArrayBuffer(13);
    new Uint8Array(shared).set(bytes);
    const wide = Uint8Array.from([0xff, ...bytes, 0xff]);
    for (const buffer of [
      Buffer.from(bytes),
      Uint8Array.from(bytes),
      Uint8Array.from(bytes).buffer,
      shared,
      new DataView(shared),
      wide.subarray(1, 14),
    ]) {
      const config = open(t);
      config.updateFromBuffer(buffer);
      assert.equal(config.toHex(), '0x01785634120500000003306400');
    }
  },

  'a buffer of another length or type is refused, and nothing changes'(t) {
    const config = open(t);
    const before = config.getDebugView();
    for (const buffer of [
      new Uint8Array(12),
      Buffer.alloc(14),
      new ArrayBuffer(0),
      new SharedArrayBuffer(128),
      new Uint32Array(13),
    ]) {
      assert.throws(() => config.updateFromBuffer(buffer), {
        name: 'RangeError',
        code: 'ERR_BUFFER_LENGTH',
        message: 'Buffer must be exactly 13 bytes',
      });
    }
    for (const value of [undefined, null, 13, INITIAL_HEX, Array.from({ length: 13 }, () => 1), { byteLength: 13 }]) {
      assert.throws(() => config.updateFromBuffer(value), { name: 'TypeError', code: 'ERR_INVALID_TYPE' });
    }
    assert.equal(config.getDebugView(), before);
  },

  'bytes and core are copies'(t) {
    const config = open(t);
    config.enableFeature('debug');
    config.toBytes().fill(0xff);
    const core = config.getCore();
    assert.ok(core instanceof ConfigCore13Byte);
    assert.equal(core.toHex(), config.toHex());
    core.setFeatureFlags(0);
    core.setTerminalRows(1);
    assert.equal(config.toHex(), '0x01785634120100000002185000');
    config.enableFeature('verbose');
    assert.equal(core.featureFlags, 0);
  },
});

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}
