import { BANK_SIZE } from './layout';
import { type Page, readBankFlags, readRollout, readSequence, readState, splitState } from './page';
import { native } from '../native/binding';
import { decodeState, type State } from './state';
import { packedTerminal, unpackTerminal } from './terminal';

/**
 * Reads what is in several words with `read`, between two changes of several words. While one is being made, which the
 * sequence of the page says, `changed` gives what is read after it: whoever makes it may be stopped, and reading never waits.
 */
export function readBetweenChanges<T>(page: Page, read: () => T, changed: (state: State) => T): T {
  if (page.banks === 1) return read();
  for (;;) {
    const sequence = readSequence(page);
    if ((sequence & 1) !== 0) return changed(decodeState(native.pageState(page.handle)));
    const result = read();
    if (readSequence(page) === sequence) return result;
  }
}

/**
 * The state of so many banks, for comparison with another one. Unchanged parts are shared with `before`; if nothing has
 * changed, it is `before`.
 */
export function readPageState(page: Page, banks: number, before?: State): State {
  return readBetweenChanges(
    page,
    () => {
      const { flags: first, terminal: word } = splitState(readState(page));
      const flags = readFlagsAfter(page, banks, first, before?.flags);
      const rollouts = readRollouts(page, banks, before?.rollouts);
      const terminal = before && word === packedTerminal(before.terminal) ? before.terminal : unpackTerminal(word);
      const isSame = flags === before?.flags && terminal === before.terminal && rollouts === before.rollouts;
      return isSame ? before : { flags, terminal, rollouts };
    },
    (state) => state,
  );
}

/** The flags of so many banks, as unsigned words. */
export function readFlags(page: Page, banks: number): readonly number[] {
  return readBetweenChanges(
    page,
    () => readFlagsAfter(page, banks, readBankFlags(page, 0), undefined),
    ({ flags }) => flags,
  );
}

/** The flags of so many banks, given those of the first; `before` if none has changed. */
export function readFlagsAfter(
  page: Page,
  banks: number,
  first: number,
  before: readonly number[] | undefined,
): readonly number[] {
  const isSame = before?.length === banks && before[0] === first && hasFlags(page, before);
  if (isSame) return before;
  const flags = [first];
  for (let bank = 1; bank < banks; bank += 1) flags.push(readBankFlags(page, bank));
  return flags;
}

/** Whether the banks after the first have these flags. */
function hasFlags(page: Page, flags: readonly number[]): boolean {
  for (let bank = 1; bank < flags.length; bank += 1) {
    if (readBankFlags(page, bank) !== flags[bank]) return false;
  }
  return true;
}

/** Basis points by bit of so many banks; `before` if none has changed. */
export function readRollouts(page: Page, banks: number, before: readonly number[] | undefined): readonly number[] {
  return before?.length === banks * BANK_SIZE && hasRollouts(page, before)
    ? before
    : Array.from({ length: banks * BANK_SIZE }, (_, bit) => readRollout(page, bit));
}

/** Without a callback, since it runs for every listener at every change. */
function hasRollouts(page: Page, rollouts: readonly number[]): boolean {
  for (let bit = 0; bit < rollouts.length; bit += 1) {
    if (readRollout(page, bit) !== rollouts[bit]) return false;
  }
  return true;
}
