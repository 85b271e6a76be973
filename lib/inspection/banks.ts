import type { Edits } from '../core/draft';
import { makeError } from '../core/errors';
import { RECORD_SIZE } from '../core/layout';
import { type Page, readRegistryHash, readVersion } from '../core/page';
import { readSwitches } from '../core/page-state';
import { copyBytes } from '../core/record';
import type { RecordBytes } from '../types';

/** The records of all banks of a page. */
export function readBanks(page: Page): Uint8Array {
  const { flags, terminal } = readSwitches(page, page.banks);
  const bytes = new Uint8Array(page.banks * RECORD_SIZE);
  const fields = new DataView(bytes.buffer);
  const version = readVersion(page);
  for (let bank = 0; bank < page.banks; bank += 1) {
    const start = bank * RECORD_SIZE;
    fields.setUint8(start, version);
    fields.setUint32(start + 1, readRegistryHash(page, bank), true);
    fields.setUint32(start + 5, flags[bank]!, true);
    // The banks after the first have a number, and no terminal.
    fields.setUint32(start + 9, bank === 0 ? terminal : bank << 24, true);
  }
  return bytes;
}

/** What the records of so many banks set. */
export function editsOfBanks(banks: number, bytes: RecordBytes): Edits {
  const copy = copyBytes(bytes);
  if (copy.byteLength !== banks * RECORD_SIZE) {
    throw makeError(
      'ERR_BUFFER_LENGTH',
      `Buffer must be exactly ${banks * RECORD_SIZE} bytes (${RECORD_SIZE} for each of ${banks} banks)`,
    );
  }
  const fields = new DataView(copy.buffer);
  const on: number[] = [];
  for (let bank = 0; bank < banks; bank += 1) {
    const start = bank * RECORD_SIZE;
    const end = fields.getUint32(start + 9);
    if (bank > 0 && end !== bank) {
      const found = `0x${end.toString(16).padStart(8, '0')}`;
      throw makeError(
        'ERR_INVALID_VALUE',
        `Invalid bank ${bank}: its record ends in ${found} (must be 0x${bank.toString(16).padStart(8, '0')})`,
      );
    }
    on.push(fields.getUint32(start + 5, true));
  }
  return { on, off: on.map((word) => ~word >>> 0), rollouts: [], terminal: fields.getUint32(9, true) };
}
