import {
  BANK_SIZE,
  BLOCK_SIZE,
  BLOCKS_PER_CHUNK,
  FIRST_LIVE_HANDLE,
  RECORD_SIZE,
  ROLLOUT_WORD16,
  STATE_WORD64,
  WORD_FEATURE_FLAGS,
  WORD_GENERATION,
  WORD_HEADER,
  WORD_NAME_COUNT,
  WORD_PERSISTED_MARK,
  WORD_REGISTRY_HASH,
  WORD_REVISION,
  WORD_SEQUENCE,
  WORD_SLEEPERS,
} from './layout';
import { loadWord } from './load-word';
import { native, type NativePage } from '../native/binding';

/**
 * Typed arrays over the memory of state pages. All pages of a chunk share one set, so a config keeps a number instead
 * of its own arrays.
 *
 * Shared memory must be read through `Atomics` or `loadWord`: JavaScriptCore may hoist a plain read out of a loop, in
 * which a thread that waits for a change would never see it.
 */
export interface Views {
  readonly words: Int32Array;
  readonly words64: BigUint64Array;
  readonly words16: Uint16Array;
}

/** A state page. */
export interface Page {
  readonly handle: number;
  readonly views: Views;
  /** Index of the page's first 32-bit word. */
  readonly base: number;
  /** The banks that it has blocks for: all, or the first alone. */
  readonly banks: number;
  /** Whether it was released. */
  isReleased: boolean;
}

const chunks: Views[] = [];

/** A page that was opened. Live pages have typed arrays of their own. */
export function pageOf({ handle, banks }: NativePage): Page {
  if (handle >= FIRST_LIVE_HANDLE) {
    return { handle, views: makeViews(native.pageBuffer(handle)), base: 0, banks, isReleased: false };
  }
  const chunk = Math.floor(handle / BLOCKS_PER_CHUNK);
  const views = (chunks[chunk] ??= makeViews(native.chunkBuffer(chunk)));
  const base = ((handle % BLOCKS_PER_CHUNK) * BLOCK_SIZE) / Int32Array.BYTES_PER_ELEMENT;
  return { handle, views, base, banks, isReleased: false };
}

/** Releases a page once. */
export function releasePage(page: Page): void {
  if (page.isReleased) return;
  page.isReleased = true;
  native.releasePage(page.handle);
}

/** Whether other processes may use the page. */
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
 * Counts a change that was just made, and notifies waiting listeners: the writer's half of `src/watch/protocol.rs`. It
 * calls native code only if there are any.
 */
export function announce(words: Int32Array, base: number, handle: number): void {
  Atomics.add(words, base + WORD_GENERATION, 1);
  if (Atomics.load(words, base + WORD_SLEEPERS) === 1 && Atomics.exchange(words, base + WORD_SLEEPERS, 0) === 1) {
    native.wakePage(handle);
  }
}

/** Requests a notification of the next change: the listener's half. Must come before reading the page. */
export function askToBeTold({ views, base }: Page): void {
  Atomics.store(views.words, base + WORD_SLEEPERS, 1);
}

/** Those bits of a feature's bit that say which bank it is in. */
export const BANK_BITS = 0xe0;

/** How many banks it takes for so many features. */
export function banksFor(features: number): number {
  return features <= BANK_SIZE ? 1 : Math.ceil(features / BANK_SIZE);
}

/** The flags of one bank, unsigned. */
export function readBankFlags({ views, base }: Page, bank: number): number {
  return loadWord(views.words, base + WORD_FEATURE_FLAGS + bank * BLOCK_WORDS) >>> 0;
}

/** Words of a block. */
const BLOCK_WORDS = BLOCK_SIZE / Int32Array.BYTES_PER_ELEMENT;

/** The flags (low half) and the terminal (high half) as one word; of a bank after the first, its number is in the high half. */
export function readState({ views, base }: Page, bank = 0): bigint {
  return Atomics.load(views.words64, (base + bank * BLOCK_WORDS) / 2 + STATE_WORD64);
}

/** Replaces the state if it is still `expected`, and returns the previous state. */
export function compareExchangeState({ views, base }: Page, expected: bigint, state: bigint): bigint {
  return Atomics.compareExchange(views.words64, base / 2 + STATE_WORD64, expected, state);
}

/** Replaces the state, and returns the previous state. */
export function exchangeState({ views, base }: Page, state: bigint): bigint {
  return Atomics.exchange(views.words64, base / 2 + STATE_WORD64, state);
}

/** A word in two widths. Several times faster than big integer arithmetic. */
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

/** The 13 bytes of a bank's record. Flags and terminal are one atomic read, so they never come from two states. */
export function readRecord(page: Page, bank = 0): Uint8Array {
  const { flags, terminal } = splitState(readState(page, bank));
  return packRecord(readVersion(page), readRegistryHash(page, bank), flags, terminal);
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

/** The record format of the page. */
export function readVersion({ views, base }: Page): number {
  return loadWord(views.words, base + WORD_HEADER) >>> 24;
}

/** The hash of the feature names of a bank. */
export function readRegistryHash({ views, base }: Page, bank = 0): number {
  return loadWord(views.words, base + WORD_REGISTRY_HASH + bank * BLOCK_WORDS) >>> 0;
}

/** Says which names the banks have. */
export function storeRegistryHashes({ views, base, banks }: Page, hashes: readonly number[]): void {
  for (let bank = 0; bank < banks; bank += 1) {
    Atomics.store(views.words, base + WORD_REGISTRY_HASH + bank * BLOCK_WORDS, hashes[bank]!);
  }
}

// A bank has 32 bits and a block of 32 words, or 64 half words, so the bits of a feature's bank are the distance in words of its
// block from the first.

/** Basis points of the feature that owns this bit. */
export function readRollout({ views, base }: Page, bit: number): number {
  return loadWord(views.words16, base * 2 + ROLLOUT_WORD16 + bit + (bit & BANK_BITS));
}

/** The rollouts of a bank's 32 features follow each other from this index on, for {@link readRolloutAt}. */
export function firstRollout({ base }: Page, bank: number): number {
  return base * 2 + ROLLOUT_WORD16 + bank * BLOCK_WORDS * 2;
}

/** Basis points at an index. */
export function readRolloutAt({ views }: Page, index: number): number {
  return loadWord(views.words16, index);
}

/** Sets the basis points of the feature that owns this bit, and returns the previous ones. */
export function exchangeRollout({ views, base }: Page, bit: number, basisPoints: number): number {
  return Atomics.exchange(views.words16, base * 2 + ROLLOUT_WORD16 + bit + (bit & BANK_BITS), basisPoints);
}

/** A number that changes with the names of the page's table. The low half counts them, and is 0 until others have added some. */
export function readNamesWord({ views, base }: Page): number {
  return loadWord(views.words, base + WORD_NAME_COUNT);
}

/** Odd while a change of several words is applied, on a page of several blocks. */
export function readSequence({ views, base }: Page): number {
  return loadWord(views.words, base + WORD_SEQUENCE);
}

/** Counts applied changes modulo 2^32. */
export function readGeneration({ views, base }: Page): number {
  return loadWord(views.words, base + WORD_GENERATION) >>> 0;
}

/** The mark of the state in effect since the last persisted revision; meaningless without one. */
export function readPersistedMark({ views, base }: Page): number {
  return loadWord(views.words, base + WORD_PERSISTED_MARK);
}

/** The last persisted revision, or 0. */
export function readRevision({ views, base }: Page): number {
  const low = loadWord(views.words, base + WORD_REVISION) >>> 0;
  const high = loadWord(views.words, base + WORD_REVISION + 1);
  return high * 2 ** 32 + low;
}
