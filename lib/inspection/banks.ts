import type { Edits } from '../core/draft';
import { makeError } from '../core/errors';
import { RECORD_SIZE } from '../core/layout';
import { packRecord, type Page, readRecord, readRegistryHash, readVersion } from '../core/page';
import { readBetweenChanges } from '../core/page-state';
import { copyBytes } from '../core/record';
import { packedTerminal } from '../core/terminal';
import type { RecordBytes } from '../types';

/** The records of all banks of a page. */
export function readBanks(page: Page): Uint8Array {
  const bytes = new Uint8Array(page.banks * RECORD_SIZE);
  readBetweenChanges(
    page,
    () => {
      for (let bank = 0; bank < page.banks; bank += 1) bytes.set(readRecord(page, bank), bank * RECORD_SIZE);
    },
    ({ flags, terminal }) => {
      flags.forEach((word, bank) => {
        const end = bank === 0 ? packedTerminal(terminal) : bank << 24;
        bytes.set(packRecord(readVersion(page), readRegistryHash(page, bank), word, end), bank * RECORD_SIZE);
      });
    },
  );
  return bytes;
}

/** What the records of so many banks set. With one bank, it is {@link RecordBytes} that a config takes as it is. */
export function editsOfBanks(banks: number, bytes: RecordBytes): Edits {
  const copy = copyBytes(bytes);
  if (copy.byteLength !== banks * RECORD_SIZE) {
    const each = banks === 1 ? '' : ` (${RECORD_SIZE} for each of ${banks} banks)`;
    throw makeError('ERR_BUFFER_LENGTH', `Buffer must be exactly ${banks * RECORD_SIZE} bytes${each}`);
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
