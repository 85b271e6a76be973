import { checkKeys } from '../core/checks';
import { defaultActor } from '../native/actor';
import { Store } from '../native/store';
import { checkActor, checkPath } from '../options';
import type { CompactOptions } from '../types';

/** See `compactNames` in `create.ts`. */
export async function compactNames(persistPath: string, options: CompactOptions): Promise<string[]> {
  const path = checkPath(persistPath, 'persistPath');
  const { actor } = checkKeys(options, 'options', ['actor']);
  const by = actor === undefined ? defaultActor() : checkActor(actor);
  // Of whatever environment: it concerns all.
  const store = new Store(path, 'default', false, true);
  try {
    return store.compact(by);
  } finally {
    await store.close();
  }
}
