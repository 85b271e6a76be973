import {
  FIRST_LIVE_HANDLE,
  MAX_FEATURES,
  PAGE_SIZE,
  PAGES_PER_CHUNK,
  RECORD_SIZE,
  ROLLOUT_WORD16,
  STATE_WORD64,
  WORD_GENERATION,
  WORD_HEADER,
  WORD_REGISTRY_HASH,
  WORD_REVISION,
  WORD_SLEEPERS,
  WORD_NAME_COUNT,
  WORD_PERSISTED_MARK,
} from './layout';
import { loadWord } from './load-word';
import { native } from '../native/binding';
import type { State } from './state';
import { packedTerminal, unpackTerminal } from './terminal';

/**
 * Typed arrays over the memory that holds state pages. One set serves all the pages of a chunk, so that a config
 * keeps a number and not arrays of its own.
 *
 * Shared memory is only ever read through `Atomics` or `loadWord`: JavaScriptCore may hoist a plain read out of a loop,
 * and a thread that waits for a change would never see it.
 */
export interface Views {
  readonly words: Int32Array;
  readonly words64: BigUint64Array;
  readonly words16: Uint16Array;
}

/** A state page in the memory of some views. */
export interface Page {
  readonly handle: number;
  readonly views: Views;
  /** Index of the page's first 32-bit word. */
  readonly base: number;
  /** Whether it was given back. */
  isReleased: boolean;
}

const chunks: Views[] = [];

/** The page of a handle. Live pages have typed arrays of their own. */
export function pageOf(handle: number): Page {
  if (handle >= FIRST_LIVE_HANDLE) {
    return { handle, views: makeViews(native.pageBuffer(handle)), base: 0, isReleased: false };
  }
  const chunk = Math.floor(handle / PAGES_PER_CHUNK);
  const views = (chunks[chunk] ??= makeViews(native.chunkBuffer(chunk)));
  const base = ((handle % PAGES_PER_CHUNK) * PAGE_SIZE) / Int32Array.BYTES_PER_ELEMENT;
  return { handle, views, base, isReleased: false };
}

/** Gives a page back, unless that was done. */
export function releasePage(page: Page): void {
  if (page.isReleased) return;
  page.isReleased = true;
  native.releasePage(page.handle);
}

/** Whether other processes may use the page too. */
export function isLive({ handle }: Page): boolean {
  return handle >= FIRST_LIVE_HANDLE;
}

function makeViews(buffer: ArrayBufferLike): Views {
  return {
    words: new Int32Array(buffer),
    words64: new BigUint64Array(buffer),
    words16: new Uint16Array(buffer),
  };
}

/**
 * Counts a change that was just made, and tells those who asked to be told of one: the writer's half of
 * `src/watch/protocol.rs`. It calls native code only when somebody did.
 */
export function announce(words: Int32Array, base: number, handle: number): void {
  Atomics.add(words, base + WORD_GENERATION, 1);
  if (Atomics.load(words, base + WORD_SLEEPERS) === 1 && Atomics.exchange(words, base + WORD_SLEEPERS, 0) === 1) {
    native.wakePage(handle);
  }
}

/** Asks to be told of the next change: the listener's half. To be done before looking at the page. */
export function askToBeTold({ views, base }: Page): void {
  Atomics.store(views.words, base + WORD_SLEEPERS, 1);
}

/**
 * The state for comparing it with another one. It shares what has not changed with `before`, and is `before` when
 * nothing has.
 */
export function readPageState(page: Page, before?: State): State {
  const { flags, terminal: word } = splitState(readState(page));
  const rollouts = readRollouts(page, before?.rollouts);
  const terminal = before && word === packedTerminal(before.terminal) ? before.terminal : unpackTerminal(word);
  const isSame = flags === before?.flags && terminal === before.terminal && rollouts === before.rollouts;
  return isSame ? before : { flags, terminal, rollouts };
}

/** Basis points by bit; `before` when none has changed. */
export function readRollouts(page: Page, before: readonly number[] | undefined): readonly number[] {
  return before && hasRollouts(page, before)
    ? before
    : Array.from({ length: MAX_FEATURES }, (_, bit) => readRollout(page, bit));
}

/** A loop without a callback, since every listener takes it at every change. */
function hasRollouts({ views, base }: Page, rollouts: readonly number[]): boolean {
  const first = base * 2 + ROLLOUT_WORD16;
  for (let bit = 0; bit < MAX_FEATURES; bit += 1) {
    if (loadWord(views.words16, first + bit) !== rollouts[bit]) return false;
  }
  return true;
}

/** The flags (low half) and the terminal (high half), read or replaced as one. */
export function readState({ views, base }: Page): bigint {
  return Atomics.load(views.words64, base / 2 + STATE_WORD64);
}

/** Replaces the state if it is still `expected`, and returns what it was. */
export function compareExchangeState({ views, base }: Page, expected: bigint, state: bigint): bigint {
  return Atomics.compareExchange(views.words64, base / 2 + STATE_WORD64, expected, state);
}

/** Replaces the state and returns what it was. */
export function exchangeState({ views, base }: Page, state: bigint): bigint {
  return Atomics.exchange(views.words64, base / 2 + STATE_WORD64, state);
}

/** A word in two widths. Several times faster than arithmetic with big integers. */
const split64 = new BigUint64Array(1);
const split32 = new Uint32Array(split64.buffer) as Uint32Array & { 0: number; 1: number };

/** Flags and terminal word of a state. */
export function splitState(state: bigint): { flags: number; terminal: number } {
  split64[0] = state;
  return { flags: split32[0], terminal: split32[1] };
}

/** The inverse of {@link splitState}; takes signed and unsigned words. */
export function joinState(flags: number, terminal: number): bigint {
  return (BigInt(terminal >>> 0) << 32n) | BigInt(flags >>> 0);
}

/** The record's 13 bytes. Flags and terminal are one atomic read, so they never come from two states. */
export function readRecord(page: Page): Uint8Array {
  const { flags, terminal } = splitState(readState(page));
  return packRecord(readVersion(page), readRegistryHash(page), flags, terminal);
}

/** The 13 bytes of these fields. */
export function packRecord(version: number, registryHash: number, flags: number, terminal: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, version);
  view.setUint32(1, registryHash, true);
  view.setUint32(5, flags, true);
  view.setUint32(9, terminal, true);
  return bytes;
}

/** The record format that the page says it has. */
export function readVersion({ views, base }: Page): number {
  return loadWord(views.words, base + WORD_HEADER) >>> 24;
}

/** The hash of the feature names. */
export function readRegistryHash({ views, base }: Page): number {
  return loadWord(views.words, base + WORD_REGISTRY_HASH) >>> 0;
}

/** Basis points of the feature that owns this bit. */
export function readRollout({ views, base }: Page, bit: number): number {
  return loadWord(views.words16, base * 2 + ROLLOUT_WORD16 + bit);
}

/** Sets the basis points of the feature that owns this bit, and returns what they were. */
export function exchangeRollout({ views, base }: Page, bit: number, basisPoints: number): number {
  return Atomics.exchange(views.words16, base * 2 + ROLLOUT_WORD16 + bit, basisPoints);
}

/** How many names the table of a live page has. */
export function readNameCount({ views, base }: Page): number {
  return loadWord(views.words, base + WORD_NAME_COUNT);
}

/** Counts applied changes, from 0 to 2^32 − 1 and on from 0. */
export function readGeneration({ views, base }: Page): number {
  return loadWord(views.words, base + WORD_GENERATION) >>> 0;
}

/** The mark of the state that is in effect since the last persisted revision; of no use while there is none. */
export function readPersistedMark({ views, base }: Page): number {
  return loadWord(views.words, base + WORD_PERSISTED_MARK);
}

/** The last persisted revision, 0 when there is none. */
export function readRevision({ views, base }: Page): number {
  const low = loadWord(views.words, base + WORD_REVISION) >>> 0;
  const high = loadWord(views.words, base + WORD_REVISION + 1);
  return high * 2 ** 32 + low;
}
