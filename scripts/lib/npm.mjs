// @ts-check
import { runOrThrow } from './process.mjs';

/**
 * Runs npm. Under `npm run` that is the same npm, by its entry file: a bare `npm` is a shell
 * script on Windows, which cannot be started directly.
 *
 * @param {string[]} args
 * @param {string} directory
 */
export function npm(args, directory) {
  const entry = process.env.npm_execpath;
  return entry?.endsWith('.js')
    ? runOrThrow(process.execPath, [entry, ...args], { cwd: directory })
    : runOrThrow('npm', args, { cwd: directory });
}
