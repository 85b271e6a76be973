import { BANK_SIZE } from './layout';
import {
  firstRollout,
  type Page,
  readBankFlags,
  readRollout,
  readRolloutAt,
  readSequence,
  readState,
  splitState,
} from './page';
import { native } from '../native/binding';
import { basisPointsOf, decodeState, type State } from './state';

/**
 * The state of so many banks, for comparison with another one. Unchanged parts are shared with `before`; if nothing has
 * changed, it is `before`.
 *
 * It is read between two changes of several words. While one is being made, which the sequence of the page says, it is the state
 * after it: whoever makes it may be stopped, and reading never waits.
 */
export function readPageState(page: Page, banks: number, before?: State): State {
  return readSettled(page, banks, readWords, before);
}

/** The same without rollouts. */
export function readSwitches(page: Page, banks: number): State {
  return readSettled(page, banks, readFirstWords, undefined);
}

function readSettled(page: Page, banks: number, read: typeof readWords, before: State | undefined): State {
  for (;;) {
    const sequence = page.banks === 1 ? 0 : readSequence(page);
    if ((sequence & 1) !== 0) return firstBanks(decodeState(native.pageState(page.handle)), banks);
    const state = read(page, banks, before);
    if (page.banks === 1 || readSequence(page) === sequence) return state;
  }
}

function readFirstWords(page: Page, banks: number): State {
  const { flags: first, terminal } = splitState(readState(page));
  return { flags: readFlags(page, banks, first, undefined), terminal, rollouts: undefined };
}

function readWords(page: Page, banks: number, before: State | undefined): State {
  const { flags: first, terminal } = splitState(readState(page));
  const flags = readFlags(page, banks, first, before?.flags);
  const rollouts = readRollouts(page, banks, before?.rollouts);
  const isSame = flags === before?.flags && terminal === before.terminal && rollouts === before.rollouts;
  return isSame ? before : { flags, terminal, rollouts };
}

function firstBanks(state: State, banks: number): State {
  const rollouts = Array.from({ length: banks * BANK_SIZE }, (_, bit) => basisPointsOf(state, bit));
  return { flags: state.flags.slice(0, banks), terminal: state.terminal, rollouts };
}

/** The flags of so many banks, given those of the first; `before` if none has changed. */
function readFlags(page: Page, banks: number, first: number, before: readonly number[] | undefined): readonly number[] {
  if (before?.length === banks && before[0] === first && hasFlags(page, before)) return before;
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
function readRollouts(page: Page, banks: number, before: readonly number[] | undefined): readonly number[] {
  return before?.length === banks * BANK_SIZE && hasRollouts(page, before)
    ? before
    : Array.from({ length: banks * BANK_SIZE }, (_, bit) => readRollout(page, bit));
}

/** Without a callback, since it runs for every listener at every change. */
function hasRollouts(page: Page, rollouts: readonly number[]): boolean {
  for (let bit = 0; bit < rollouts.length; bit += BANK_SIZE) {
    const first = firstRollout(page, bit / BANK_SIZE);
    for (let place = 0; place < BANK_SIZE; place += 1) {
      if (readRolloutAt(page, first + place) !== rollouts[bit + place]) return false;
    }
  }
  return true;
}
