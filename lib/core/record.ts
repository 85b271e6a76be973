import { checkInteger } from './checks';
import { makeError, show, wrongThis } from './errors';
import { BANK_SIZE, DEFAULT_RECORD, MAX_BANKS, MAX_TERMINAL_MODE, RECORD_SIZE, RECORD_VERSION } from './layout';
import type { RecordBytes } from '../types';

const OFFSET = { version: 0, registryHash: 1, featureFlags: 5, mode: 9, rows: 10, cols: 11, reserved: 12 } as const;

const U32_MAX = 0xffff_ffff;

/** The fields of a record. */
export type CoreFields = {
  readonly [
    field in 'version' | 'registryHash' | 'featureFlags' | 'terminalMode' | 'terminalRows' | 'terminalCols' | 'reserved'
  ]: number;
};

/**
 * The 13-byte record as a plain value, without shared memory and history.
 *
 * | offset | field | type |
 * |---|---|---|
 * | 0 | version | u8 |
 * | 1 | registry hash | u32, little-endian |
 * | 5 | feature flags | u32, little-endian |
 * | 9 | terminal mode | u8 |
 * | 10 | rows | u8 |
 * | 11 | cols | u8 |
 * | 12 | reserved: the number of the bank | u8 |
 *
 * A config of more than 32 features has a record for each bank of 32, see {@link ProductionConfig.toBanks}. Those after the
 * first have no terminal. Setters check their values. The constructor accepts any bytes, since they may come from another program.
 *
 * @example
 * const core = new ConfigCore13Byte();
 * core.toHex(); // '0x01785634120700000002185000'
 */
export class ConfigCore13Byte {
  readonly #view: DataView<ArrayBuffer>;

  /**
   * @param bytes - The 13 bytes to copy. Default: the default record (bits 0 to 2 on, raw terminal, 24 × 80).
   * @throws RangeError `ERR_BUFFER_LENGTH` for any other number of bytes.
   */
  constructor(bytes?: RecordBytes) {
    const copy = bytes === undefined ? Uint8Array.from(DEFAULT_RECORD) : copyRecord(bytes);
    this.#view = new DataView(copy.buffer);
  }

  /**
   * Parses the output of {@link ConfigCore13Byte.toHex}: `0x` and 26 hexadecimal digits.
   *
   * @throws RangeError `ERR_INVALID_VALUE` for any other text.
   */
  static fromHex(hex: string): ConfigCore13Byte {
    if (typeof hex !== 'string') {
      throw makeError('ERR_INVALID_TYPE', `Invalid hex: ${show(hex)} (must be a string)`);
    }
    if (!/^0x[0-9a-f]{26}$/i.test(hex)) {
      throw makeError('ERR_INVALID_VALUE', `Invalid hex: ${show(hex)} (must be 0x and 26 hexadecimal digits)`);
    }
    return new ConfigCore13Byte(Buffer.from(hex.slice(2), 'hex'));
  }

  /** Record format, 1. */
  get version(): number {
    return ConfigCore13Byte.#viewOf(this).getUint8(OFFSET.version);
  }

  /** Hash of the feature names, 0 to 2^32 − 1. */
  get registryHash(): number {
    return ConfigCore13Byte.#viewOf(this).getUint32(OFFSET.registryHash, true);
  }

  /** All flags, 0 to 2^32 − 1. */
  get featureFlags(): number {
    return ConfigCore13Byte.#viewOf(this).getUint32(OFFSET.featureFlags, true);
  }

  /** 0 disabled, 1 cooked, 2 raw, 3 pipe. */
  get terminalMode(): number {
    return ConfigCore13Byte.#viewOf(this).getUint8(OFFSET.mode);
  }

  /** Rows of the terminal, 1–255. */
  get terminalRows(): number {
    return ConfigCore13Byte.#viewOf(this).getUint8(OFFSET.rows);
  }

  /** Columns of the terminal, 1–255. */
  get terminalCols(): number {
    return ConfigCore13Byte.#viewOf(this).getUint8(OFFSET.cols);
  }

  /** The number of the bank: 0 for the first 32 features, which is also the one with the terminal. */
  get reserved(): number {
    return ConfigCore13Byte.#viewOf(this).getUint8(OFFSET.reserved);
  }

  /** Sets the record format; 1 is the only one. */
  setVersion(version: number): void {
    ConfigCore13Byte.#viewOf(this).setUint8(
      OFFSET.version,
      checkInteger(version, 'version', RECORD_VERSION, RECORD_VERSION),
    );
  }

  /** Sets the hash of the feature names, 0 to 2^32 − 1. */
  setRegistryHash(hash: number): void {
    ConfigCore13Byte.#viewOf(this).setUint32(
      OFFSET.registryHash,
      checkInteger(hash, 'registry hash', 0, U32_MAX),
      true,
    );
  }

  /** Sets all flags, 0 to 2^32 − 1. */
  setFeatureFlags(flags: number): void {
    ConfigCore13Byte.#viewOf(this).setUint32(
      OFFSET.featureFlags,
      checkInteger(flags, 'feature flags', 0, U32_MAX),
      true,
    );
  }

  /** Sets the terminal mode, 0–3. */
  setTerminalMode(mode: number): void {
    ConfigCore13Byte.#viewOf(this).setUint8(OFFSET.mode, checkTerminalMode(mode));
  }

  /** Sets the rows of the terminal, 1–255. */
  setTerminalRows(rows: number): void {
    ConfigCore13Byte.#viewOf(this).setUint8(OFFSET.rows, checkRows(rows));
  }

  /** Sets the columns of the terminal, 1–255. */
  setTerminalCols(cols: number): void {
    ConfigCore13Byte.#viewOf(this).setUint8(OFFSET.cols, checkCols(cols));
  }

  /** Sets the number of the bank, 0–7. */
  setReserved(reserved: number): void {
    ConfigCore13Byte.#viewOf(this).setUint8(OFFSET.reserved, checkInteger(reserved, 'reserved byte', 0, MAX_BANKS - 1));
  }

  /** Whether the flag of this bit, 0–31, is set. */
  hasFeature(bit: number): boolean {
    ConfigCore13Byte.#viewOf(this);
    return (this.featureFlags & flagOf(bit)) !== 0;
  }

  /** Sets or clears the flag of this bit, 0–31. */
  setFeature(bit: number, on: boolean): void {
    ConfigCore13Byte.#viewOf(this);
    const flag = flagOf(bit);
    this.setFeatureFlags((on ? this.featureFlags | flag : this.featureFlags & ~flag) >>> 0);
  }

  /** Toggles the flag of this bit, 0–31, and returns its new value. */
  toggleFeature(bit: number): boolean {
    ConfigCore13Byte.#viewOf(this);
    this.setFeatureFlags((this.featureFlags ^ flagOf(bit)) >>> 0);
    return this.hasFeature(bit);
  }

  /** A copy of the 13 bytes. */
  toBuffer(): ArrayBuffer {
    return ConfigCore13Byte.#viewOf(this).buffer.slice(0);
  }

  /** The value for `JSON.stringify(core)`: the fields. */
  toJSON(): CoreFields {
    ConfigCore13Byte.#viewOf(this);
    const { version, registryHash, featureFlags, terminalMode, terminalRows, terminalCols, reserved } = this;
    return { version, registryHash, featureFlags, terminalMode, terminalRows, terminalCols, reserved };
  }

  /** The bytes as `0x` and 26 lower-case hexadecimal digits. */
  toHex(): string {
    return toHex(new Uint8Array(ConfigCore13Byte.#viewOf(this).buffer));
  }

  static #viewOf(core: ConfigCore13Byte): DataView<ArrayBuffer> {
    if (core == null || !(#view in core)) throw wrongThis(core, 'core.toHex.bind(core)');
    return core.#view;
  }
}

/** A copy of 13 bytes given in any byte type. */
export function copyRecord(bytes: RecordBytes): Uint8Array<ArrayBuffer> {
  const copy = copyBytes(bytes);
  if (copy.byteLength !== RECORD_SIZE) {
    throw makeError('ERR_BUFFER_LENGTH', `Buffer must be exactly ${RECORD_SIZE} bytes`);
  }
  return copy;
}

/** A copy of bytes given in any byte type. */
export function copyBytes(bytes: RecordBytes): Uint8Array<ArrayBuffer> {
  if (!ArrayBuffer.isView(bytes) && !isBuffer(bytes)) {
    throw makeError('ERR_INVALID_TYPE', `Invalid bytes: ${show(bytes)} (must be an ArrayBuffer or a view of one)`);
  }
  const source = ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
  return Uint8Array.from(source);
}

function isBuffer(value: unknown): value is ArrayBufferLike {
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return true;
  // Of another realm. Loaded on demand, since this takes Bun some time.
  return (require('node:util') as typeof import('node:util')).types.isAnyArrayBuffer(value);
}

export function toHex(record: Uint8Array): string {
  return `0x${Buffer.from(record).toString('hex')}`;
}

export function checkTerminalMode(mode: unknown): number {
  return checkInteger(mode, 'terminal mode', 0, MAX_TERMINAL_MODE);
}

/** The range of rows and of columns. */
export const MIN_TERMINAL_SIZE = 1;
export const MAX_TERMINAL_SIZE = 255;

export function checkRows(rows: unknown): number {
  return checkInteger(rows, 'rows', MIN_TERMINAL_SIZE, MAX_TERMINAL_SIZE);
}

export function checkCols(cols: unknown): number {
  return checkInteger(cols, 'cols', MIN_TERMINAL_SIZE, MAX_TERMINAL_SIZE);
}

export function checkReserved(reserved: unknown): number {
  return checkInteger(reserved, 'reserved byte', 0, 0);
}

export function checkU32(value: unknown, what: string): number {
  return checkInteger(value, what, 0, U32_MAX);
}

function flagOf(bit: unknown): number {
  return 1 << checkInteger(bit, 'bit', 0, BANK_SIZE - 1);
}
