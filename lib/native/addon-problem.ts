/**
 * Explains why the addon could not be loaded, and what to do: `dist/addon-problem.cjs`, which is loaded only after a
 * failure. It inspects files and mounts instead of guessing from the system's message.
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** The attempts to load the addon. */
export interface AddonProblem {
  /** The names of this platform; more than one if its C library is unknown. */
  readonly targets: readonly string[];
  /** All platforms with an addon. */
  readonly supported: readonly string[];
  /** The C library of the runtime on Linux, if it is known. */
  readonly libc: string | undefined;
  /** The error of each place. */
  readonly failures: readonly unknown[];
}

/** The relevant parts of an error. */
interface Failure {
  readonly code: string;
  readonly message: string;
}

export function explainAddon({ targets, supported, libc, failures: thrown }: AddonProblem): string {
  const failures = thrown.map(failureOf);
  const failureWith = (...codes: string[]) => failures.find(({ code }) => codes.includes(code));
  if (!targets.some((target) => supported.includes(target))) {
    return `13byte-config has no native addon for ${targets.join(' or ')}. There are addons for ${supported.join(', ')}`;
  }
  if (failureWith('ERR_DLOPEN_DISABLED')) return disabledAddons();
  const denied = failureWith('ERR_ACCESS_DENIED');
  if (denied) {
    return (
      `Node's permission model does not allow the native addon of 13byte-config to be read: ${denied.message}. ` +
      'Start Node with --allow-fs-read for the directory node_modules, and with --allow-addons'
    );
  }
  const failedLoad = failureWith('ERR_DLOPEN_FAILED');
  if (failedLoad) return explainLoad(failedLoad.message, targets, libc);
  const other = failures.find(({ code, message }) => code !== 'MODULE_NOT_FOUND' && !isNotFound(message));
  if (other)
    return `The native addon of 13byte-config cannot be loaded: ${endless(other.message)}. Install the package again`;
  return explainAbsence(targets);
}

function failureOf(error: unknown): Failure {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return { code: String(code), message: short(String(message ?? error)) };
}

/** Some bundlers replace a missing module with an error that has no code. */
function isNotFound(message: string): boolean {
  return /cannot find (module|package)/i.test(message);
}

function disabledAddons(): string {
  const { permission } = process as { permission?: { has(scope: string): boolean } };
  const [cause, advice] =
    permission && !permission.has('addon')
      ? ["Node's permission model is on", 'Start Node with --allow-addons']
      : ['Node was started with --no-addons', 'Start it without, also in NODE_OPTIONS and in the execArgv of workers'];
  return `The native addon of 13byte-config must not be loaded: ${cause}. ${advice}`;
}

// ---- A file that is there -----------------------------------------------------------------------------------

function explainLoad(message: string, targets: readonly string[], libc: string | undefined): string {
  const file = pathIn(message) ?? installedFile(targets);
  const failed = `The native addon ${file ?? 'of 13byte-config'} cannot be loaded`;
  const system = endless(message);
  if (/too many open files/i.test(message)) {
    return `${failed}: this process has no file descriptors left. Raise its limit (ulimit -n)`;
  }
  const glibc = /version [`'](GLIBC_[\d.]+)' not found/.exec(message)?.[1];
  if (glibc) return `${failed}: it needs ${glibc}, and the glibc of this system is older. Use a newer system`;
  const start = file === undefined ? undefined : startOf(file);
  if (file === undefined || start === undefined) return `${failed}: ${system}`;
  const builtFor = platformOf(start);
  if (builtFor === undefined) return `${failed}: the file is broken (${system}). Install the package again`;
  if (!targets.some((target) => target.startsWith(builtFor))) {
    return `${failed}: it was built for ${builtFor}, and this is ${targets.join(' or ')}. ${INSTALL_HERE}`;
  }
  if (/libc\.musl|ld-linux|ld-musl/.test(message)) {
    return `${failed}: it was built for another C library than that of this runtime${libc ? ` (${libc})` : ''}: ${system}. ${INSTALL_HERE}`;
  }
  const mount = noExecutionAt(file);
  if (mount !== undefined) {
    return `${failed}: the file system at ${mount} is mounted noexec. Mount it without noexec, or install the package elsewhere`;
  }
  return `${failed}: ${system}. If the file is broken, install the package again`;
}

const INSTALL_HERE = 'node_modules belongs to the platform on which it was installed: install again on this one';

/** The path of an addon in a system's message; the form depends on the system. */
function pathIn(message: string): string | undefined {
  return /(?:[A-Za-z]:\\|\/)[^:*?"<>|()']*?\.node/.exec(message)?.[0];
}

/** The addon that is there for one of these targets. Bun on Windows does not say which file it could not load. */
function installedFile(targets: readonly string[]): string | undefined {
  for (const target of targets) {
    for (const place of [`../native/binding.${target}.node`, `${SCOPE}/${PREFIX}${target}`]) {
      try {
        return require.resolve(place);
      } catch {
        // It is not here.
      }
    }
  }
  return undefined;
}

/** The first bytes of a file; `undefined` if it cannot be read. */
function startOf(file: string): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    const start = Buffer.alloc(0x40);
    return start.subarray(0, readSync(descriptor, start, 0, start.length, 0));
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/**
 * The platform that a shared library was built for, as the first part of a target's name; `undefined` for other files.
 */
function platformOf(start: Buffer): string | undefined {
  if (start.length < 0x40) return undefined;
  if (start.readUInt32BE(0) === 0x7f454c46) {
    const machine = start.readUInt16LE(0x12);
    return `linux-${ELF_MACHINES[machine] ?? `machine ${machine}`}`;
  }
  if (start.readUInt32LE(0) === 0xfeedfacf) {
    const type = start.readUInt32LE(4);
    return `darwin-${MACH_MACHINES[type] ?? `machine ${type}`}`;
  }
  if (start.readUInt32BE(0) === 0xcafebabe) return 'darwin';
  if (start.toString('latin1', 0, 2) === 'MZ') return 'win32';
  return undefined;
}

const ELF_MACHINES: { readonly [machine: number]: string | undefined } = { 0x3e: 'x64', 0xb7: 'arm64' };
const MACH_MACHINES: { readonly [type: number]: string | undefined } = { 0x01000007: 'x64', 0x0100000c: 'arm64' };

/** The mount point of a file's file system, if it is mounted `noexec`. */
function noExecutionAt(file: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const path = realpathSync(file);
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .map(([, , , , point = '', options = '']) => ({ point: unescaped(point), options: options.split(',') }))
      .filter(({ point }) => point !== '' && `${path}/`.startsWith(point.endsWith('/') ? point : `${point}/`));
    // The longest match counts; of several mounts at one path, the last.
    const mount = mounts.reduce((best, next) => (next.point.length >= best.point.length ? next : best));
    return mount.options.includes('noexec') ? mount.point : undefined;
  } catch {
    return undefined;
  }
}

/** Spaces and similar characters are octal escapes there. */
function unescaped(point: string): string {
  return point.replace(/\\(\d{3})/g, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
}

// ---- No file ------------------------------------------------------------------------------------------------

const SCOPE = '@13byte-config';
const PREFIX = 'binding-';

function explainAbsence(targets: readonly string[]): string {
  const missing = `No native addon of 13byte-config for ${process.platform} ${process.arch}`;
  if (isBundled()) {
    return (
      `${missing} in this bundle: it has to be bundled where the package is installed for this platform, with the ` +
      'addon copied beside the bundle, or the package has to stay external. docs/bundling.md has a recipe for each bundler'
    );
  }
  const others = installedTargets();
  if (others.length > 0) {
    return `${missing} (${targets.join(' or ')}), but one for ${others.join(', ')}. ${INSTALL_HERE}`;
  }
  return (
    `${missing}: install it again without omitting optional dependencies (they hold the addon of each platform). If the ` +
    'lock file was written on another platform and does not name this one, write it anew'
  );
}

/** Whether the package was bundled into another file. */
function isBundled(): boolean {
  // ES modules have no `__filename`.
  return typeof __filename === 'undefined' || !/[\\/]addon-problem\.cjs$/.test(__filename);
}

/** The platforms whose addons are installed beside the package. */
function installedTargets(): string[] {
  try {
    return readdirSync(join(__dirname, '..', '..', SCOPE))
      .filter((name) => name.startsWith(PREFIX))
      .map((name) => name.slice(PREFIX.length));
  } catch {
    return [];
  }
}

/** The first line: the message of a missing module continues with the modules that required it. */
function short(message: string): string {
  const line = message
    .replace(/\nRequire stack:[^]*/, '')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > MESSAGE_LENGTH ? `${line.slice(0, MESSAGE_LENGTH)}…` : line;
}

const MESSAGE_LENGTH = 400;

/** Without the full stop that some messages end with. */
function endless(message: string): string {
  return message.replace(/\.$/, '');
}
