// @ts-check
// conf: a JSON file that each write replaces as a whole, after it was synced. With `cache`, which its documentation has for
// programs that are the only writer; without it every read reads the file.
import Conf from 'conf';
import { temporaryDirectory } from '../files.mjs';
import { isOn, names } from '../flags.mjs';

export async function open() {
  const conf = new Conf({ cwd: temporaryDirectory(), projectName: 'bench', cache: true });
  conf.set(Object.fromEntries(names.map((name) => [name, isOn(name)])));
  return {
    isOn: (/** @type {string} */ name) => /** @type {boolean} */ (conf.get(name)),
    isDebugOn: () => /** @type {boolean} */ (conf.get('debug')),
    setDurably: (/** @type {boolean} */ on) => conf.set('debug', on),
  };
}
