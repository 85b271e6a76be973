// @ts-check
import { OPERATIONS } from './loops.mjs';

/** What a careful programmer would write by hand: the flags in the word that a state page has them in. */
export function handWritten() {
  const buffer = new SharedArrayBuffer(128);
  return { words: new Int32Array(buffer), words64: new BigUint64Array(buffer) };
}

/** What every way to read a flag is compared with, as tables name it. */
export const RAW = 'by hand, raw: `(Atomics.load(view, 2) & mask) !== 0`';

export function raw() {
  const { words: view } = handWritten();
  const mask = 1;
  view[2] = 0b101;
  return {
    operations: OPERATIONS,
    expected: OPERATIONS,
    run() {
      let on = 0;
      for (let i = 0; i < OPERATIONS; i += 1) if ((Atomics.load(view, 2) & mask) !== 0) on += 1;
      return on;
    },
  };
}
