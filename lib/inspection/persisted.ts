import type { FeatureTable } from '../core/feature-table';
import { BANK_SIZE, FULL_ROLLOUT } from '../core/layout';
import {
  banksFor,
  type Page,
  readBankFlags,
  readNameCount,
  readPersistedMark,
  readRevision,
  readRollout,
  readState,
  splitState,
} from '../core/page';
import { mixWord } from '../core/rollout';

/**
 * Whether the page holds the state that is in effect since its last revision, by the mark of that state: the
 * counterpart of `src/page/persisted.rs`, which explains how reliable the mark is.
 */
export function isPersisted(page: Page, { names }: FeatureTable): boolean {
  const revision = readRevision(page);
  const mark = readPersistedMark(page);
  // Names that were added in this moment are in banks that have them.
  const banks = banksFor(Math.max(names.length, readNameCount(page)));
  return revision !== 0 && markOf(page, banks, revision) === mark;
}

function markOf(page: Page, banks: number, revision: number): number {
  const { flags, terminal } = splitState(readState(page));
  let mark = mixWord(revision | 0, terminal);
  for (let bank = 0; bank < banks; bank += 1) {
    mark = mixBank(mark, page, bank, bank === 0 ? flags : readBankFlags(page, bank));
  }
  return mark;
}

/** A bank as it is at first is left out. */
function mixBank(before: number, page: Page, bank: number, flags: number): number {
  let mark = mixWord(mixWord(before, bank), flags);
  let isFirst = flags === 0;
  for (let bit = bank * BANK_SIZE; bit < (bank + 1) * BANK_SIZE; bit += 2) {
    const [low, high] = [readRollout(page, bit), readRollout(page, bit + 1)];
    isFirst &&= low === FULL_ROLLOUT && high === FULL_ROLLOUT;
    mark = mixWord(mark, low | (high << 16));
  }
  return isFirst ? before : mark;
}
