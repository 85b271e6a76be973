import { makeError } from './core/errors';
import { letExit, startTimeout } from './core/real-timers';

import type { OnDemandModule } from './internals';

/** `dist/on-demand.cjs`: it has the modules of this file handed to it, so that it finds them inside a bundle, too. */
interface OnDemandFile {
  readonly BUILD: string;
  make(shared: object): OnDemandModule;
}

/** Which build of the package this is: its version and a digest of its sources. */
declare const PACKAGE_BUILD: string;

const RETRY_MS = 1000;

let shared: object | undefined;
let module: OnDemandModule | undefined;
let isComing = false;
let hasWarned = false;

/** To be called once, with what the second file uses of this file. */
export function shareModules(modules: object): void {
  shared = modules;
}

/**
 * The part of the library that not every program needs, which is a file of its own.
 *
 * @throws ConfigError `ERR_PACKAGE_FILES` when the file is gone, cannot be read, or belongs to another build.
 */
export function loadOnDemand(): OnDemandModule {
  module ??= make(readFile());
  return module;
}

/**
 * Loads it when the code that runs now has ended, for a program that may need it when the file can no longer be loaded: a
 * deployment has replaced the package, or no file descriptor is left.
 */
export function loadOnDemandSoon(): void {
  if (module || isComing) return;
  isComing = true;
  // Before anything else can happen, and after what the program does to start. Tests replace timers, but not promises.
  void Promise.resolve().then(loadEarly);
}

function loadEarly(): void {
  try {
    loadOnDemand();
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    if (!hasWarned)
      process.emitWarning(`${message}. Until then, persisting and listening fail`, { type: 'ConfigWarning', code });
    hasWarned = true;
    // Perhaps there will be a descriptor again, or the file.
    letExit(startTimeout(loadEarly, RETRY_MS));
  }
}

function make(file: OnDemandFile): OnDemandModule {
  if (file.BUILD !== PACKAGE_BUILD) {
    throw makeError(
      'ERR_PACKAGE_FILES',
      `13byte-config was replaced while this program runs: it runs ${PACKAGE_BUILD}, and ${FILE} is now of ` +
        `${file.BUILD}. Start the program again`,
    );
  }
  return file.make(shared!);
}

const FILE = 'dist/on-demand.cjs';

function readFile(): OnDemandFile {
  try {
    return requireFile();
  } catch (error) {
    throw makeError('ERR_PACKAGE_FILES', `13byte-config could not load ${FILE}: ${causeOf(error)}`, error);
  }
}

/** Not in a `try` itself, of which bundlers take it that the file may be missing. */
function requireFile(): OnDemandFile {
  return require('./on-demand.cjs');
}

function causeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  // Bun leaves the code to the message.
  const told = `${String(code)} ${String(message ?? error)}`;
  if (/MODULE_NOT_FOUND|ENOENT|cannot find module/i.test(told)) {
    return 'the file is gone, so the package was removed or replaced while this program runs. Start the program again';
  }
  if (/EMFILE|ENFILE/.test(told)) {
    return 'there are no file descriptors left. Close some, or raise the limit (ulimit -n), and try again';
  }
  return String(message ?? error);
}
