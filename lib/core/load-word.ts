/**
 * Reads a word of shared memory as it is now: `Atomics.load`, or what does the same on this engine and processor for less.
 *
 * To V8 `Atomics.load` is a call (7 ns here), and a plain read one instruction. It reads a typed array anew each time,
 * since others may share its memory: it neither hoists such a read out of a loop, nor reuses an earlier one, nor changes
 * their order, and x86-64 keeps the order of reads. That makes a plain read there what a sequentially consistent load is
 * compiled to. V8 promises none of this, so `plain-reads.spec` shows it on every Node we support. JavaScriptCore does
 * hoist plain reads, and makes one instruction of `Atomics.load`; other processors may swap plain reads.
 */
export const loadWord: (words: Int32Array | Uint16Array, index: number) => number = readsPlainly()
  ? loadPlainly
  : Atomics.load;

function loadPlainly(words: Int32Array | Uint16Array, index: number): number {
  return words[index]!;
}

/** Bun has a version of V8 too, for programs that ask for one. */
function readsPlainly(): boolean {
  return process.versions.v8 !== undefined && process.versions.bun === undefined && process.arch === 'x64';
}
