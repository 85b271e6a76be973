// @ts-check
/** What a careful programmer would write by hand: the flags in the word that a state page has them in. */
export function handWritten() {
  const buffer = new SharedArrayBuffer(128);
  return { words: new Int32Array(buffer), words64: new BigUint64Array(buffer) };
}
