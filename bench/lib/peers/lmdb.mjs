// @ts-check
// lmdb: flags by name in a memory-mapped file that processes share.
//
// - `get` decodes the value, `getBinaryFast` hands out its bytes in a buffer that is used again.
// - With `cache`, `get` answers from a cache of the thread and does not see what other threads and processes write.
// - A write is durable when `flushed` has resolved. With `noSync` it is only in memory.
import { open as openDatabase } from 'lmdb';
import { temporaryDirectory } from '../files.mjs';
import { isOn, names } from '../flags.mjs';

/** @param {import('lmdb').RootDatabaseOptions} [options] */
export async function open(options) {
  const database = openDatabase({ path: temporaryDirectory(), ...options });
  for (const name of names) await database.put(name, isOn(name));
  await database.flushed;
  return {
    isOn: (/** @type {string} */ name) => /** @type {boolean} */ (database.get(name)),
    isDebugOn: () => /** @type {boolean} */ (database.get('debug')),
    set: (/** @type {boolean} */ on) => void database.putSync('debug', on),
    async setDurably(/** @type {boolean} */ on) {
      await database.put('debug', on);
      await database.flushed;
    },
  };
}

export async function openBytes() {
  const database = openDatabase({ path: temporaryDirectory(), encoding: 'binary' });
  for (const name of names) await database.put(name, Buffer.of(Number(isOn(name))));
  await database.flushed;
  return {
    isOn: (/** @type {string} */ name) => database.getBinaryFast(name)?.[0] === 1,
    isDebugOn: () => database.getBinaryFast('debug')?.[0] === 1,
  };
}
