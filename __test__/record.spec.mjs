import assert from 'node:assert/strict';
import { ConfigCore13Byte } from '13byte-config';
import { suite } from './harness/suite.mjs';

const DEFAULT_HEX = '0x01785634120700000002185000';
const DEFAULT_BYTES = [1, 0x78, 0x56, 0x34, 0x12, 7, 0, 0, 0, 2, 24, 80, 0];
/** Every field is another value, none of them valid as a whole. */
const ODD_HEX = '0x02efbeadde0df0ad8b09fffe03';

export default suite('record', {
  'the default record has bits 0 to 2 on and a raw terminal of 24 × 80'() {
    const core = new ConfigCore13Byte();
    assert.equal(core.toHex(), DEFAULT_HEX);
    assert.deepEqual([...new Uint8Array(core.toBuffer())], DEFAULT_BYTES);
    assert.equal(core.version, 1);
    assert.equal(core.registryHash, 0x1234_5678);
    assert.equal(core.featureFlags, 7);
    assert.equal(core.terminalMode, 2);
    assert.equal(core.terminalRows, 24);
    assert.equal(core.terminalCols, 80);
    assert.equal(core.reserved, 0);
  },

  'each field has its place and its byte order'() {
    const core = new ConfigCore13Byte();
    core.setVersion(1);
    core.setRegistryHash(0xdead_beef);
    core.setFeatureFlags(0x8bad_f00d);
    core.setTerminalMode(3);
    core.setTerminalRows(255);
    core.setTerminalCols(254);
    core.setReserved(0);
    assert.equal(core.toHex(), '0x01efbeadde0df0ad8b03fffe00');
    assert.equal(core.registryHash, 0xdead_beef);
    assert.equal(core.featureFlags, 0x8bad_f00d);
    assert.equal(core.terminalMode, 3);
    assert.equal(core.terminalRows, 255);
    assert.equal(core.terminalCols, 254);
  },

  'hexadecimal goes both ways, for bytes of any value'() {
    for (const hex of [DEFAULT_HEX, ODD_HEX, `0x${'00'.repeat(13)}`, `0x${'ff'.repeat(13)}`]) {
      const core = ConfigCore13Byte.fromHex(hex);
      assert.ok(core instanceof ConfigCore13Byte);
      assert.equal(core.toHex(), hex);
      assert.equal(new ConfigCore13Byte(core.toBuffer()).toHex(), hex);
    }
    assert.equal(ConfigCore13Byte.fromHex(ODD_HEX.toUpperCase().replace('0X', '0x')).toHex(), ODD_HEX);
  },

  'bytes from elsewhere are taken as they are'() {
    const core = ConfigCore13Byte.fromHex(ODD_HEX);
    assert.equal(core.version, 2);
    assert.equal(core.terminalMode, 9);
    assert.equal(core.reserved, 3);
    core.setTerminalMode(1);
    assert.equal(core.toHex(), '0x02efbeadde0df0ad8b01fffe03', 'and setting one field corrects only that');
  },

  'other text than 0x and 26 digits is refused'() {
    for (const text of [
      '',
      '0x',
      DEFAULT_HEX.slice(2),
      DEFAULT_HEX.slice(0, -1),
      `${DEFAULT_HEX}0`,
      `${DEFAULT_HEX}00`,
      ` ${DEFAULT_HEX}`,
      `${DEFAULT_HEX}\n`,
      DEFAULT_HEX.replace('7', 'g'),
    ]) {
      assert.throws(() => ConfigCore13Byte.fromHex(text), {
        name: 'RangeError',
        code: 'ERR_INVALID_VALUE',
        message: `Invalid hex: ${JSON.stringify(text)} (must be 0x and 26 hexadecimal digits)`,
      });
    }
    for (const [value, shown] of [
      [undefined, 'undefined'],
      [13, '13'],
      [[DEFAULT_HEX], 'an array'],
    ]) {
      assert.throws(() => ConfigCore13Byte.fromHex(value), {
        name: 'TypeError',
        code: 'ERR_INVALID_TYPE',
        message: `Invalid hex: ${shown} (must be a string)`,
      });
    }
  },

  'bytes come in every type that JavaScript keeps bytes in'() {
    const bytes = [...Buffer.from(ODD_HEX.slice(2), 'hex')];
    const wide = Uint8Array.from([0xaa, ...bytes, 0xbb]);
    const shared = new SharedArrayBuffer(13);
    new Uint8Array(shared).set(bytes);
    for (const [type, value] of Object.entries({
      Uint8Array: Uint8Array.from(bytes),
      Int8Array: Int8Array.from(bytes),
      Buffer: Buffer.from(bytes),
      ArrayBuffer: Uint8Array.from(bytes).buffer,
      SharedArrayBuffer: shared,
      'a view of a SharedArrayBuffer': new Uint8Array(shared),
      DataView: new DataView(Uint8Array.from(bytes).buffer),
      'a slice with an offset': wide.subarray(1, 14),
      'a DataView with an offset': new DataView(wide.buffer, 1, 13),
    })) {
      assert.equal(new ConfigCore13Byte(value).toHex(), ODD_HEX, type);
    }
  },

  'bytes are copied in and out'() {
    const bytes = Uint8Array.from(DEFAULT_BYTES);
    const core = new ConfigCore13Byte(bytes);
    bytes.fill(0xff);
    assert.equal(core.toHex(), DEFAULT_HEX);
    const out = core.toBuffer();
    assert.ok(out instanceof ArrayBuffer);
    assert.equal(out.byteLength, 13);
    new Uint8Array(out).fill(0xff);
    assert.equal(core.toHex(), DEFAULT_HEX);
    assert.notEqual(core.toBuffer(), core.toBuffer());
  },

  'any other number of bytes is refused'() {
    for (const length of [0, 1, 12, 14, 128]) {
      for (const bytes of [
        new Uint8Array(length),
        new ArrayBuffer(length),
        new SharedArrayBuffer(length),
        Buffer.alloc(length),
      ]) {
        assert.throws(() => new ConfigCore13Byte(bytes), {
          name: 'RangeError',
          code: 'ERR_BUFFER_LENGTH',
          message: 'Buffer must be exactly 13 bytes',
        });
      }
    }
    // 13 elements, but 26 bytes.
    assert.throws(() => new ConfigCore13Byte(new Uint16Array(13)), { code: 'ERR_BUFFER_LENGTH' });
  },

  'anything that holds no bytes is refused'() {
    for (const [value, shown] of [
      [null, 'null'],
      [13, '13'],
      [DEFAULT_HEX, `"${DEFAULT_HEX}"`],
      [DEFAULT_BYTES, 'an array'],
      [{ byteLength: 13 }, 'an instance of Object'],
    ]) {
      assert.throws(() => new ConfigCore13Byte(value), {
        name: 'TypeError',
        code: 'ERR_INVALID_TYPE',
        message: `Invalid bytes: ${shown} (must be an ArrayBuffer or a view of one)`,
      });
    }
  },

  'bits are set, cleared and toggled one by one'() {
    const core = new ConfigCore13Byte(new Uint8Array(13));
    for (let bit = 0; bit < 32; bit += 1) {
      assert.equal(core.hasFeature(bit), false);
      core.setFeature(bit, true);
      assert.equal(core.hasFeature(bit), true);
      assert.equal(core.featureFlags, 2 ** bit);
      core.setFeature(bit, true);
      assert.equal(core.featureFlags, 2 ** bit);
      assert.equal(core.toggleFeature(bit), false);
      assert.equal(core.toggleFeature(bit), true);
      core.setFeature(bit, false);
      assert.equal(core.featureFlags, 0);
    }
    core.setFeatureFlags(0xffff_ffff);
    core.setFeature(31, false);
    assert.equal(core.featureFlags, 0x7fff_ffff);
  },

  'every setter checks its range, and a refused value changes nothing'() {
    const core = new ConfigCore13Byte();
    for (const [method, field, min, max] of [
      ['setVersion', 'version', 1, 1],
      ['setRegistryHash', 'registry hash', 0, 0xffff_ffff],
      ['setFeatureFlags', 'feature flags', 0, 0xffff_ffff],
      ['setTerminalMode', 'terminal mode', 0, 3],
      ['setTerminalRows', 'rows', 1, 255],
      ['setTerminalCols', 'cols', 1, 255],
      ['setReserved', 'reserved byte', 0, 7],
      ['hasFeature', 'bit', 0, 31],
      ['setFeature', 'bit', 0, 31],
      ['toggleFeature', 'bit', 0, 31],
    ]) {
      const range = min === max ? `${min}` : `${min}-${max}`;
      for (const value of [min - 1, max + 1, min + 0.5, Number.NaN, Infinity, -Infinity, 2 ** 53]) {
        assert.throws(
          () => core[method](value, true),
          { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: `Invalid ${field}: ${value} (must be ${range})` },
          `${method}(${value})`,
        );
      }
      for (const [value, shown] of [
        [undefined, 'undefined'],
        [null, 'null'],
        [`${min}`, `"${min}"`],
        [BigInt(min), `${min}n`],
        [true, 'true'],
      ]) {
        assert.throws(
          () => core[method](value, true),
          { name: 'TypeError', code: 'ERR_INVALID_TYPE', message: `Invalid ${field}: ${shown} (must be ${range})` },
          `${method}(${shown})`,
        );
      }
    }
    assert.equal(core.toHex(), DEFAULT_HEX);
  },

  'fields cannot be assigned past the setters'() {
    const core = new ConfigCore13Byte();
    for (const field of [
      'version',
      'registryHash',
      'featureFlags',
      'terminalMode',
      'terminalRows',
      'terminalCols',
      'reserved',
    ]) {
      assert.throws(
        () => {
          core[field] = 1;
        },
        TypeError,
        field,
      );
    }
    assert.equal(core.toHex(), DEFAULT_HEX);
  },
});
