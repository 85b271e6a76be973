/**
 * Finds the addon of this platform: beside this package in a clone, otherwise in the platform package that npm has
 * installed. Every start waits for this, so it tries no more places than necessary.
 */
import { makeError } from '../core/errors';

export type Addon = typeof import('../../native/binding.js');

/** Returns the addon, or records why each place lacks it. Throws if the file exists and cannot be loaded. */
type Places = (failures: unknown[]) => Addon | undefined;

/**
 * Each path is a literal, so that bundlers find the addons, and stands directly in its own `try`, so that they tolerate
 * those of other platforms, which are not installed.
 */
const PLACES: { readonly [target: string]: Places | undefined } = {
  'darwin-arm64': (failures) => {
    try {
      return require('../native/binding.darwin-arm64.node');
    } catch (error) {
      passOver(error, failures);
    }
    try {
      return require('@13byte-config/binding-darwin-arm64');
    } catch (error) {
      passOver(error, failures);
    }
    return undefined;
  },
  'darwin-x64': (failures) => {
    try {
      return require('../native/binding.darwin-x64.node');
    } catch (error) {
      passOver(error, failures);
    }
    try {
      return require('@13byte-config/binding-darwin-x64');
    } catch (error) {
      passOver(error, failures);
    }
    return undefined;
  },
  'linux-arm64-gnu': (failures) => {
    try {
      return require('../native/binding.linux-arm64-gnu.node');
    } catch (error) {
      passOver(error, failures);
    }
    try {
      return require('@13byte-config/binding-linux-arm64-gnu');
    } catch (error) {
      passOver(error, failures);
    }
    return undefined;
  },
  'linux-arm64-musl': (failures) => {
    try {
      return require('../native/binding.linux-arm64-musl.node');
    } catch (error) {
      passOver(error, failures);
    }
    try {
      return require('@13byte-config/binding-linux-arm64-musl');
    } catch (error) {
      passOver(error, failures);
    }
    return undefined;
  },
  'linux-x64-gnu': (failures) => {
    try {
      return require('../native/binding.linux-x64-gnu.node');
    } catch (error) {
      passOver(error, failures);
    }
    try {
      return require('@13byte-config/binding-linux-x64-gnu');
    } catch (error) {
      passOver(error, failures);
    }
    return undefined;
  },
  'linux-x64-musl': (failures) => {
    try {
      return require('../native/binding.linux-x64-musl.node');
    } catch (error) {
      passOver(error, failures);
    }
    try {
      return require('@13byte-config/binding-linux-x64-musl');
    } catch (error) {
      passOver(error, failures);
    }
    return undefined;
  },
  'win32-arm64-msvc': (failures) => {
    try {
      return require('../native/binding.win32-arm64-msvc.node');
    } catch (error) {
      passOver(error, failures);
    }
    try {
      return require('@13byte-config/binding-win32-arm64-msvc');
    } catch (error) {
      passOver(error, failures);
    }
    return undefined;
  },
  'win32-x64-msvc': (failures) => {
    try {
      return require('../native/binding.win32-x64-msvc.node');
    } catch (error) {
      passOver(error, failures);
    }
    try {
      return require('@13byte-config/binding-win32-x64-msvc');
    } catch (error) {
      passOver(error, failures);
    }
    return undefined;
  },
};

/** @throws ConfigError `ERR_BINDING`, which names the cause. */
export function loadAddon(): Addon {
  const libc = process.platform === 'linux' ? runtimeLibc() : undefined;
  const targets = targetsHere(libc);
  const failures: unknown[] = [];
  for (const target of targets) {
    try {
      const addon = PLACES[target]?.(failures);
      if (addon) return addon;
    } catch (error) {
      failures.push(error);
    }
  }
  throw makeError('ERR_BINDING', explain(targets, libc, failures), tellingOne(failures));
}

/** Continues with the next place if the file does not exist; rethrows if it exists and fails to load. */
function passOver(error: unknown, failures: unknown[]): void {
  if (String(codeOf(error)).startsWith('ERR_DLOPEN_')) throw error;
  failures.push(error);
}

/** Both names for Linux if the runtime's C library is unknown. */
function targetsHere(libc: Libc | undefined): readonly string[] {
  const target = `${process.platform}-${process.arch}`;
  if (process.platform === 'win32') return [`${target}-msvc`];
  if (process.platform !== 'linux') return [target];
  return libc ? [`${target}-${libc}`] : [`${target}-gnu`, `${target}-musl`];
}

type Libc = 'gnu' | 'musl';

/**
 * The C library of the runtime, which may differ from that of the system. Node's executable names it. The diagnostic
 * report does as well, but takes Node two milliseconds; it is the fallback, such as for a program started through the
 * dynamic linker.
 */
function runtimeLibc(): Libc | undefined {
  const interpreter = process.versions.bun === undefined ? interpreterOf('/proc/self/exe') : undefined;
  if (interpreter?.includes('ld-musl')) return 'musl';
  if (interpreter?.includes('ld-linux')) return 'gnu';
  return reportedLibc();
}

function reportedLibc(): Libc | undefined {
  // Some runtimes have no report.
  const report = process.report as (NodeJS.ProcessReport & { excludeNetwork?: boolean }) | undefined;
  if (!report) return undefined;
  const before = report.excludeNetwork;
  // Otherwise it does a reverse DNS look-up for every open connection.
  report.excludeNetwork = true;
  try {
    const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
    return header.glibcVersionRuntime === undefined ? 'musl' : 'gnu';
  } catch {
    return undefined;
  } finally {
    if (before !== undefined) report.excludeNetwork = before;
  }
}

/** The dynamic linker that a 64-bit ELF executable asks for. */
function interpreterOf(executable: string): string | undefined {
  const { closeSync, openSync, readSync } = require('node:fs') as typeof import('node:fs');
  let file: number | undefined;
  try {
    file = openSync(executable, 'r');
    const start = Buffer.alloc(HEADERS_BYTES);
    readSync(file, start, 0, HEADERS_BYTES, 0);
    const size = start.readUInt16LE(0x36);
    const table = Number(start.readBigUInt64LE(0x20));
    for (let header = table; header < table + size * start.readUInt16LE(0x38); header += size) {
      if (start.readUInt32LE(header) !== PT_INTERP) continue;
      const path = Buffer.alloc(Number(start.readBigUInt64LE(header + 0x20)));
      readSync(file, path, 0, path.length, Number(start.readBigUInt64LE(header + 0x08)));
      return path.toString('latin1');
    }
  } catch {
    // Unreadable or not ELF: the report decides.
  } finally {
    if (file !== undefined) closeSync(file);
  }
  return undefined;
}

/** Enough bytes for the headers of executables. */
const HEADERS_BYTES = 4096;
/** The type of the program header with the dynamic linker's path. */
const PT_INTERP = 3;

/** The explanation of a failure, in a file that is loaded only then. */
function explain(targets: readonly string[], libc: Libc | undefined, failures: readonly unknown[]): string {
  const { explainAddon } = require('./addon-problem.cjs') as typeof import('./addon-problem');
  return explainAddon({ targets, supported: Object.keys(PLACES), libc, failures });
}

/** Whether an error says more than that a place has no addon. */
function tellingOne(failures: readonly unknown[]): unknown {
  return failures.find((error) => codeOf(error) !== 'MODULE_NOT_FOUND') ?? failures.at(-1);
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code;
}
