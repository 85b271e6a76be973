// @ts-check
// A Rust for the platforms that this machine is not. The machine's own has the standard library of one platform; Debian's
// comes with the sources, from which cargo compiles it for any. Zig compiles C and links for all of them. Nothing is
// installed: packages are unpacked into a directory outside the repository.
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run, runOrThrow } from '../process.mjs';

/** Changes with what is downloaded, so that an older cache is not taken for this one. */
const VERSION = '1';

const RUST = [
  'rustc-web',
  'cargo-web',
  'rust-web-clippy',
  'rust-web-src',
  'libstd-rust-web-1.96',
  'libstd-rust-web-dev',
  'libllvm22',
  // What cargo is linked with.
  'libgit2-1.5',
  'libhttp-parser2.9',
  'libmbedcrypto7',
  'libmbedtls14',
  'libmbedx509-1',
];
const PYTHON = ['ziglang==0.17.1', 'cargo-zigbuild==0.24.1'];

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), '13byte-config', `cross-${VERSION}`);

/** @param {string[]} parts */
export const inCache = (...parts) => join(cache, ...parts);

/** What was unpacked from Debian's packages. */
export const debian = inCache('debian');
export const debianLibraries = join(debian, 'usr/lib/x86_64-linux-gnu');
const python = inCache('python', 'bin');

/** Why the tools cannot be had here, if that is so before anything is tried. */
export function unavailable() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'it needs Linux on x86-64';
  return ['apt-get', 'dpkg', 'python3'].some((tool) => !onPath(tool))
    ? 'it needs apt-get, dpkg and python3'
    : undefined;
}

/** Whether the tools were downloaded. */
export const isSetUp = () => unavailable() === undefined && ['rust', 'zig', 'stand-ins'].every(isDone);

/** @param {string} name */
const isDone = (name) => existsSync(inCache(`${name}.done`));

/** Downloads what is missing: Rust and Zig. */
export async function ensureToolchain() {
  await once('rust', async () => unpack(RUST));
  await once('zig', async () => {
    await runOrThrow('python3', ['-m', 'venv', inCache('python')]);
    await runOrThrow(join(python, 'pip'), ['--quiet', 'install', ...PYTHON]);
  });
  await once('stand-ins', async () => writeStandIns());
}

/**
 * Does something unless an earlier run has completed it.
 *
 * @param {string} name
 * @param {() => unknown} work
 */
export async function once(name, work) {
  if (isDone(name)) return;
  mkdirSync(cache, { recursive: true });
  await work();
  writeFileSync(inCache(`${name}.done`), '');
}

/**
 * Unpacks packages of Debian.
 *
 * @param {readonly string[]} packages a name, with `:arm64` if it is not for this machine
 * @param {string} [into]
 */
export async function unpack(packages, into = debian) {
  const lists = inCache('apt', 'lists');
  const downloads = inCache('apt', 'downloads');
  for (const directory of [join(lists, 'partial'), inCache('apt', 'archives', 'partial'), downloads, into])
    mkdirSync(directory, { recursive: true });
  const options = [
    `Dir::State::lists=${lists}`,
    `Dir::Cache=${inCache('apt')}`,
    'APT::Architectures::=amd64',
    'APT::Architectures::=arm64',
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  await once('apt-lists', () => runOrThrow('apt-get', [...options, '-qq', 'update']));
  await runOrThrow('apt-get', [...options, '-qq', 'download', ...packages], { cwd: downloads });
  for (const file of readdirSync(downloads)) await runOrThrow('dpkg', ['-x', join(downloads, file), into]);
  rmSync(downloads, { recursive: true });
}

/** What linkers ask for, although nothing of it is linked: it is looked up at run time. */
function writeStandIns() {
  mkdirSync(inCache('sdk/usr/lib'), { recursive: true });
  mkdirSync(inCache('windows'), { recursive: true });
  writeFileSync(inCache('windows/libnode.dll'), '');
  for (const library of ['node', 'ssp', 'ssp_nonshared'])
    writeFileSync(inCache('windows', `lib${library}.a`), '!<arch>\n');
  // Crates that compile C for Microsoft's ABI look for clang, with options that Zig has no use for.
  script('msvc/clang', [
    'for option; do',
    '  shift',
    '  case $option in --target=*|-fuse-ld=*) ;; *) set -- "$@" "$option" ;; esac',
    'done',
    `exec ${join(python, 'python')} -m ziglang cc -target "$ZIG_TARGET" "$@"`,
  ]);
  script('msvc/llvm-ar', [`exec ${join(python, 'python')} -m ziglang ar "$@"`]);
}

/**
 * @param {string} path
 * @param {readonly string[]} lines
 */
export function script(path, lines) {
  mkdirSync(join(inCache(path), '..'), { recursive: true });
  writeFileSync(inCache(path), `#!/bin/sh\n${lines.join('\n')}\n`);
  chmodSync(inCache(path), 0o755);
}

/**
 * Runs cargo of that Rust for a target.
 *
 * @param {import('./targets.mjs').Target} target
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
export function cargo({ triple }, args, env = {}) {
  const [processor = '', , system] = triple.split('-');
  const isMicrosoft = triple.endsWith('-msvc');
  const underscored = triple.replaceAll('-', '_');
  const isMusl = triple.endsWith('-musl');
  return run(isMicrosoft ? join(debian, 'usr/bin/cargo') : join(python, 'cargo-zigbuild'), args, {
    env: {
      PATH: [join(debian, 'usr/bin'), python, '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
      LD_LIBRARY_PATH: debianLibraries,
      CARGO: join(debian, 'usr/bin/cargo'),
      RUSTC: join(debian, 'usr/bin/rustc'),
      RUSTUP_TOOLCHAIN: undefined,
      // The sources of the standard library are a matter of unstable options.
      RUSTC_BOOTSTRAP: '1',
      CARGO_HOME: inCache('cargo'),
      CARGO_TARGET_DIR: inCache('target'),
      LIBNODE_PATH: inCache('windows'),
      ...(system === 'darwin' ? { SDKROOT: inCache('sdk') } : {}),
      ...(isMicrosoft
        ? {
            ZIG_TARGET: `${processor}-windows-gnu`,
            [`CC_${underscored}`]: inCache('msvc/clang'),
            [`AR_${underscored}`]: inCache('msvc/llvm-ar'),
          }
        : {}),
      // A program that is linked statically cannot load addons; the compiler drops the library without a word.
      ...(isMusl ? { [`CARGO_TARGET_${underscored.toUpperCase()}_RUSTFLAGS`]: '-C target-feature=-crt-static' } : {}),
      ...env,
    },
  });
}

/**
 * Runs Zig, such as its C compiler.
 *
 * @param {readonly string[]} args
 */
export const zig = (args) => runOrThrow(join(python, 'python'), ['-m', 'ziglang', ...args], { cwd: cache });

/**
 * Runs pip.
 *
 * @param {readonly string[]} args
 */
export const pip = (args) => runOrThrow(join(python, 'pip'), args);

/** For cargo: the standard library is compiled along. */
export const STANDARD_LIBRARY = ['-Z', 'build-std=std,panic_unwind'];

/** @param {string} tool */
function onPath(tool) {
  return (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, tool)));
}
