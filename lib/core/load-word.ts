/**
 * Reads a word of shared memory: `Atomics.load`, or a cheaper equivalent for this engine and processor.
 *
 * V8 compiles `Atomics.load` to a call (7 ns here), and a plain read to one instruction. Since the memory may be
 * shared, it neither hoists a plain read out of a loop, nor reuses an earlier one, nor reorders them, and x86-64 keeps
 * the order of reads. So on x86-64 a plain read is what a sequentially consistent load compiles to. V8 does not promise
 * this; `plain-reads.spec` checks it on every supported Node. JavaScriptCore does hoist plain reads, and compiles
 * `Atomics.load` to one instruction. Other processors may reorder plain reads.
 */
export const loadWord: (words: Int32Array | Uint16Array, index: number) => number = readsPlainly()
  ? loadPlainly
  : Atomics.load;

function loadPlainly(words: Int32Array | Uint16Array, index: number): number {
  return words[index]!;
}

/** Bun also reports a V8 version, for programs that check for one. */
function readsPlainly(): boolean {
  return process.versions.v8 !== undefined && process.versions.bun === undefined && process.arch === 'x64';
}
