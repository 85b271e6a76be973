// @ts-check
// The platforms of the package, and what this machine can do for each of them.

/**
 * @typedef {object} Target
 * @property {string} triple as Rust calls it
 * @property {string} name as the addon's file is called
 * @property {string} [build] what cargo-zigbuild is given in place of the triple: another linker's ABI, or an older libc
 */

/** The glibc that the addons for Linux run on. Node and Bun themselves need one that is newer. */
export const OLDEST_GLIBC = '2.17';

/** @type {readonly Target[]} */
export const targets = [
  { triple: 'x86_64-unknown-linux-gnu', name: 'linux-x64-gnu', build: `x86_64-unknown-linux-gnu.${OLDEST_GLIBC}` },
  { triple: 'aarch64-unknown-linux-gnu', name: 'linux-arm64-gnu', build: `aarch64-unknown-linux-gnu.${OLDEST_GLIBC}` },
  { triple: 'x86_64-unknown-linux-musl', name: 'linux-x64-musl' },
  { triple: 'aarch64-unknown-linux-musl', name: 'linux-arm64-musl' },
  { triple: 'x86_64-apple-darwin', name: 'darwin-x64' },
  { triple: 'aarch64-apple-darwin', name: 'darwin-arm64' },
  // Microsoft's linker and libraries are not free to download, so Windows is linked with the GNU ABI here. Node and Bun load
  // that as well.
  { triple: 'x86_64-pc-windows-msvc', name: 'win32-x64-msvc', build: 'x86_64-pc-windows-gnu' },
  { triple: 'aarch64-pc-windows-msvc', name: 'win32-arm64-msvc' },
];

/** Those that the gate checks: one of each system, of each C library and of each processor. */
export const checkedInGate = ['darwin-arm64', 'win32-x64-msvc', 'linux-arm64-musl'];

/**
 * @param {readonly string[]} wanted triples or names; none or `all` for every one
 * @returns {readonly Target[]}
 */
export function selectTargets(wanted) {
  if (wanted.length === 0 || wanted.includes('all')) return targets;
  return wanted.map((one) => {
    const found = targets.find(({ triple, name }) => one === triple || one === name);
    if (!found) throw new RangeError(`There is no target ${one}, only ${targets.map(({ name }) => name).join(', ')}`);
    return found;
  });
}
