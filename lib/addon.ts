/**
 * Finds the addon of this platform: beside this package in a clone, else in a package of its own, of which npm has
 * installed the one that fits. Everything that starts waits for this, so no more is looked at than has to be.
 */
export type Addon = typeof import('../native/binding.js');

type Place = () => Addon;

/** Each path is spelled out, so that bundlers see which addons there are. */
const PLACES: { readonly [target: string]: readonly [clone: Place, installed: Place] | undefined } = {
  'darwin-arm64': [
    () => require('../native/binding.darwin-arm64.node'),
    () => require('@13byte-config/binding-darwin-arm64'),
  ],
  'darwin-x64': [
    () => require('../native/binding.darwin-x64.node'),
    () => require('@13byte-config/binding-darwin-x64'),
  ],
  'linux-arm64-gnu': [
    () => require('../native/binding.linux-arm64-gnu.node'),
    () => require('@13byte-config/binding-linux-arm64-gnu'),
  ],
  'linux-arm64-musl': [
    () => require('../native/binding.linux-arm64-musl.node'),
    () => require('@13byte-config/binding-linux-arm64-musl'),
  ],
  'linux-x64-gnu': [
    () => require('../native/binding.linux-x64-gnu.node'),
    () => require('@13byte-config/binding-linux-x64-gnu'),
  ],
  'linux-x64-musl': [
    () => require('../native/binding.linux-x64-musl.node'),
    () => require('@13byte-config/binding-linux-x64-musl'),
  ],
  'win32-arm64-msvc': [
    () => require('../native/binding.win32-arm64-msvc.node'),
    () => require('@13byte-config/binding-win32-arm64-msvc'),
  ],
  'win32-x64-msvc': [
    () => require('../native/binding.win32-x64-msvc.node'),
    () => require('@13byte-config/binding-win32-x64-msvc'),
  ],
};

/** Throws what the last place threw that had an addon, or else that there is none. */
export function loadAddon(): Addon {
  const target = `${process.platform}-${process.arch}${ABIS[process.platform]?.() ?? ''}`;
  const places = PLACES[target];
  if (!places) throw new Error(`There is no addon for ${target}`);
  const [clone, installed] = places;
  try {
    return clone();
  } catch (error) {
    // One that is there and cannot be loaded is the one that was meant.
    if ((error as { code?: unknown }).code !== 'MODULE_NOT_FOUND') throw error;
    return installed();
  }
}

/** What follows platform and processor in the name of a target. */
const ABIS: { readonly [platform: string]: (() => string) | undefined } = {
  linux: () => (isMusl() ? '-musl' : '-gnu'),
  win32: () => '-msvc',
};

/** The report tells for sure. Node takes two milliseconds to make one, so the file that both libraries have goes first. */
function isMusl(): boolean {
  if (process.versions.bun === undefined) {
    const { readFileSync } = require('node:fs') as typeof import('node:fs');
    try {
      return readFileSync('/usr/bin/ldd', 'latin1').includes('musl');
    } catch {
      // Small images do without it.
    }
  }
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined;
}
