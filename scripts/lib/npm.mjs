// @ts-check
import { run, runOrThrow } from './process.mjs';

/**
 * Runs npm.
 *
 * @param {string[]} args
 * @param {string} directory
 */
export function npm(args, directory) {
  return runOrThrow(...npmCommand(args), { cwd: directory });
}

/**
 * Runs a script of our package.json.
 *
 * @param {string} script
 * @param {number} timeoutMs
 */
export function npmRun(script, timeoutMs) {
  return run(...npmCommand(['run', '--silent', script]), { timeoutMs });
}

/**
 * How npm is started. Under `npm run` the same npm, by its entry file: a bare `npm` is a shell script on Windows, which cannot be started
 * directly.
 *
 * @param {string[]} args
 * @returns {[program: string, args: string[]]}
 */
export function npmCommand(args) {
  const entry = process.env.npm_execpath;
  return entry?.endsWith('.js') ? [process.execPath, [entry, ...args]] : ['npm', args];
}
