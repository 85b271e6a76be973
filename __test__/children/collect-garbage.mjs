import v8 from 'node:v8';
import vm from 'node:vm';

/** Has the runtime collect garbage now, as far as it can be told to. */
export function collectGarbage() {
  if (globalThis.Bun) {
    globalThis.Bun.gc(true);
    return;
  }
  v8.setFlagsFromString('--expose-gc');
  vm.runInNewContext('gc')();
}
