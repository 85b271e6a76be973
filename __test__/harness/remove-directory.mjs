// @ts-check
import { lstatSync, readdirSync, rmdirSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Removes a directory with all that is in it, if it is there.
 *
 * On Windows a live file cannot be removed while it is mapped, and it is until the last buffer over it is collected. There
 * such a file stays, with its directory.
 *
 * @param {string} directory
 */
export function removeDirectory(directory) {
  if (process.platform === 'win32') removeOneByOne(directory);
  else rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

/**
 * Not with rmSync, which in wine 8 fails even for an empty directory.
 *
 * @param {string} path
 */
function removeOneByOne(path) {
  try {
    if (!lstatSync(path).isDirectory()) return unlinkSync(path);
    for (const name of readdirSync(path)) removeOneByOne(join(path, name));
    rmdirSync(path);
  } catch (error) {
    const { code = '' } = /** @type {NodeJS.ErrnoException} */ (error);
    if (!['ENOENT', 'EPERM', 'EBUSY', 'ENOTEMPTY'].includes(code)) throw error;
  }
}
