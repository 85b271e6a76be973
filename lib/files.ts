import { native } from './native/binding';
import { checkEnvironment, checkPath, defaultEnvironment } from './options';
import type { FileCheck, FileCheckName, HealthStatus } from './types';

/**
 * Checks the files of a config from outside: their owners and modes, the directory and its file system, SQLite's files beside
 * the database, and the live file and the doorbells of an environment. It opens none of them and changes nothing, so it also
 * works for a database that cannot be opened. `13byte-config doctor` shows the result.
 *
 * @param environment - Default: `NODE_ENV`, or `development` if that is not set.
 * @example
 * for (const { status, message, fix } of checkFiles('./config.db')) if (status !== 'ok') console.warn(message, fix);
 */
export function checkFiles(persistPath: string, environment?: string): FileCheck[] {
  const checkedEnvironment = environment === undefined ? defaultEnvironment() : checkEnvironment(environment);
  return native.checkFiles(checkPath(persistPath, 'persistPath'), checkedEnvironment).map((finding) => ({
    name: finding.name as FileCheckName,
    status: finding.status as HealthStatus,
    message: finding.message,
    fix: finding.fix ?? null,
  }));
}
