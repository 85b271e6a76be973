import { MAX_FEATURES } from '../core/layout';
import { type Page, readPersistedMark, readRevision, readRollout, readState, splitState } from '../core/page';
import { mixWord } from '../core/rollout';

/**
 * Whether the page holds the state that is in effect since its last revision, by the mark of that state: the
 * counterpart of `src/page/persisted.rs`, which explains how reliable the mark is.
 */
export function isPersisted(page: Page): boolean {
  const revision = readRevision(page);
  const mark = readPersistedMark(page);
  return revision !== 0 && markOf(page, revision) === mark;
}

function markOf(page: Page, revision: number): number {
  const { flags, terminal } = splitState(readState(page));
  let mark = mixWord(mixWord(revision | 0, flags), terminal);
  for (let bit = 0; bit < MAX_FEATURES; bit += 2) {
    mark = mixWord(mark, readRollout(page, bit) | (readRollout(page, bit + 1) << 16));
  }
  return mark;
}
