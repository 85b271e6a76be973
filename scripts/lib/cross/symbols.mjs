// @ts-check
// What an addon needs of the system it is loaded on: nothing newer than is promised.
import { readFileSync } from 'node:fs';
import { runOrThrow } from '../process.mjs';
import { musl } from './musl.mjs';
import { OLDEST_GLIBC } from './targets.mjs';

/** The promised musl is 1.2.2, that of Alpine 3.14 to 3.16; Debian has 1.2.3, which has one function more. */
const NEW_IN_MUSL_1_2_3 = ['qsort_r'];

/**
 * @param {import('./targets.mjs').Target} target
 * @param {string} addon
 * @returns {Promise<string[]>}
 */
export async function symbolProblems({ name }, addon) {
  if (!name.startsWith('linux')) return [];
  const wanted = (await dynamicSymbols(addon)).filter(({ section }) => section === 'UND');
  if (name.endsWith('gnu')) {
    return wanted
      .filter(({ version }) => isNewer(version, OLDEST_GLIBC))
      .map(
        ({ symbol, version }) => `it needs ${symbol} of ${version}, and is promised to run on glibc ${OLDEST_GLIBC}`,
      );
  }
  const exported = await muslSymbols();
  return wanted
    .filter(({ symbol, bind }) => bind !== 'WEAK' && !symbol.startsWith('napi_') && !exported.has(symbol))
    .map(({ symbol }) => `it needs ${symbol}, which musl 1.2.2 does not have`);
}

/** @returns {Promise<Set<string>>} what musl 1.2.2 exports */
async function muslSymbols() {
  const { loader, ensureLoader } = musl('x64');
  await ensureLoader();
  const exported = await dynamicSymbols(loader);
  const symbols = new Set(exported.filter(({ section }) => section !== 'UND').map(({ symbol }) => symbol));
  if (!symbols.has('malloc')) throw new Error('The symbols of musl cannot be read');
  for (const symbol of NEW_IN_MUSL_1_2_3) symbols.delete(symbol);
  return symbols;
}

/**
 * @param {string} file
 * @returns {Promise<{ bind: string, section: string, symbol: string, version: string }[]>}
 */
async function dynamicSymbols(file) {
  // Without a dynamic section the table would be empty, and nothing would be found.
  if (readFileSync(file).readUInt32BE(0) !== 0x7f454c46) throw new Error(`${file} is no ELF file`);
  const { stdout } = await runOrThrow('readelf', ['--dyn-syms', '--wide', file]);
  return stdout.split('\n').flatMap((line) => {
    const [, , , , bind = '', , section = '', name = ''] = line.trim().split(/\s+/);
    const [symbol = '', version = ''] = name.split(/@@?/);
    return symbol === '' || !/^\d/.test(line.trim()) ? [] : [{ bind, section, symbol, version }];
  });
}

/**
 * @param {string} version such as `GLIBC_2.28`
 * @param {string} oldest such as `2.17`
 */
function isNewer(version, oldest) {
  const found = /^GLIBC_(\d+)\.(\d+)/.exec(version);
  if (!found) return false;
  const [major = 0, minor = 0] = oldest.split('.').map(Number);
  return Number(found[1]) > major || (Number(found[1]) === major && Number(found[2]) > minor);
}
