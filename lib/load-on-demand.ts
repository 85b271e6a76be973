import { makeError } from './core/errors';
import { letExit, startTimeout } from './core/real-timers';

import type { OnDemandModule } from './internals';

/** `dist/on-demand.cjs`. It is called with the modules of this file, so it finds them inside a bundle as well. */
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

/** Must be called once, with what the second file uses of this one. */
export function shareModules(modules: object): void {
  shared = modules;
}

/**
 * The part of the library that not every program needs, in a file of its own.
 *
 * @throws ConfigError `ERR_PACKAGE_FILES` if the file is missing, cannot be read, or belongs to another build.
 */
export function loadOnDemand(): OnDemandModule {
  module ??= make(readFile());
  return module;
}

/**
 * Loads it when the running code has returned. A program may need it at a time when it can no longer be loaded, because
 * a deployment has replaced the package or no file descriptor is left.
 */
export function loadOnDemandSoon(): void {
  if (module || isComing) return;
  isComing = true;
  // Before any other event, and after the synchronous start of the program. Tests replace timers, but not promises.
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
    // A descriptor may become free, or the file may come back.
    letExit(startTimeout(loadEarly, RETRY_MS));
  }
}

function make(file: OnDemandFile): OnDemandModule {
  if (file.BUILD !== PACKAGE_BUILD) {
    throw makeError(
      'ERR_PACKAGE_FILES',
      `13byte-config was replaced while this program runs: it runs ${PACKAGE_BUILD}, and ${FILE} is now of ` +
        `${file.BUILD}. Restart the program`,
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

/** Not inside a `try`: bundlers conclude from one that the file may be missing. */
function requireFile(): OnDemandFile {
  return require('./on-demand.cjs');
}

function causeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  // Bun puts the code into the message only.
  const told = `${String(code)} ${String(message ?? error)}`;
  if (/MODULE_NOT_FOUND|ENOENT|cannot find module/i.test(told)) {
    return 'the file is gone, so the package was removed or replaced while this program runs. Restart the program';
  }
  if (/EMFILE|ENFILE/.test(told)) {
    return 'there are no file descriptors left. Close some, or raise the limit (ulimit -n), and try again';
  }
  return String(message ?? error);
}
