import type { FeatureTable } from '../core/feature-table';
import { BANK_SIZE, FULL_ROLLOUT } from '../core/layout';
import {
  banksFor,
  firstRollout,
  type Page,
  readBankFlags,
  readNamesWord,
  readPersistedMark,
  readRevision,
  readRolloutAt,
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
  const banks = banksFor(Math.max(names.length, readNamesWord(page) & 0xffff));
  return revision !== 0 && markOf(page, banks, revision) === mark;
}

function markOf(page: Page, banks: number, revision: number): number {
  const { flags, terminal } = splitState(readState(page));
  let mark = mixWord(mixWord(revision | 0, terminal), flags);
  const first = firstRollout(page, 0);
  for (let index = first; index < first + BANK_SIZE; index += 2) mark = mixWord(mark, readPair(page, index));
  for (let bank = 1; bank < banks; bank += 1) mark = mixBank(mark, page, bank);
  return mark;
}

/** A bank after the first that is as at first is left out. */
function mixBank(before: number, page: Page, bank: number): number {
  const flags = readBankFlags(page, bank);
  let mark = mixWord(mixWord(before, bank), flags);
  let changed = flags;
  const first = firstRollout(page, bank);
  for (let index = first; index < first + BANK_SIZE; index += 2) {
    const pair = readPair(page, index);
    changed |= pair ^ FULL_PAIR;
    mark = mixWord(mark, pair);
  }
  return changed === 0 ? before : mark;
}

/** Two rollouts to all keys. */
const FULL_PAIR = FULL_ROLLOUT | (FULL_ROLLOUT << 16);

function readPair(page: Page, index: number): number {
  return readRolloutAt(page, index) | (readRolloutAt(page, index + 1) << 16);
}
