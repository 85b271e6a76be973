// @ts-check
// Windows programs, by wine.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot } from '../paths.mjs';
import { run, runOrThrow } from '../process.mjs';
import { debian, debianLibraries, inCache, once, script, unpack, zig } from './toolchain.mjs';

/** Wine, and those of its libraries that a machine without sound and cameras lacks. */
const WINE = ['wine64', 'libwine', 'libz-mingw-w64', 'libcapi20-3', 'libpcap0.8'];

const prefix = inCache('wine');
const mingw = join(debian, 'usr/x86_64-w64-mingw32/lib');

/** The environment of wine's programs. */
export const wineEnvironment = {
  LD_LIBRARY_PATH: debianLibraries,
  WINEPREFIX: prefix,
  WINEARCH: 'win64',
  WINEDEBUG: '-all',
  WINEDLLOVERRIDES: 'mscoree,mshtml=',
  // None.
  DISPLAY: '',
};

export const wineCommand = join(debian, 'usr/lib/wine/wine64');

/** Unpacks wine, and makes a Windows 10 of it. */
export async function ensureWine() {
  await once('wine-packages', () => unpack(WINE));
  await once('wine-prefix', async () => {
    script('debian/usr/lib/wine/wineserver', [`exec ${join(debian, 'usr/lib/wine/wineserver64')} "$@"`]);
    copyFileSync(join(mingw, 'zlib1.dll'), join(debianLibraries, 'wine/x86_64-windows/zlib1.dll'));
    // Makes the system directory, even where it fails for want of what is put there next.
    await wine(['wineboot', '--init']);
    const system = join(prefix, 'drive_c/windows/system32');
    mkdirSync(system, { recursive: true });
    copyFileSync(join(mingw, 'zlib1.dll'), join(system, 'zlib1.dll'));
    const random = inRoot('scripts/lib/cross/bcryptprimitives.c');
    const library = join(system, 'bcryptprimitives.dll');
    await zig(['cc', '-target', 'x86_64-windows-gnu', '-shared', '-O1', '-o', library, random, '-ladvapi32']);
    await wine(['wineboot', '--update']);
    const version = ['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'];
    await runOrThrow(wineCommand, version, { env: wineEnvironment });
  });
}

/** @param {readonly string[]} args */
const wine = (args) => run(wineCommand, args, { env: wineEnvironment, timeoutMs: 120_000 });
