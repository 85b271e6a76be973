// @ts-check
import { run, runOrThrow } from './process.mjs';

/**
 * Runs npm.
 *
 * @param {string[]} args
 * @param {string} directory
 */
export function npm(args, directory) {
  return runOrThrow(...command(args), { cwd: directory });
}

/**
 * Runs a script of our package.json.
 *
 * @param {string} script
 * @param {number} timeoutMs
 */
export function npmRun(script, timeoutMs) {
  return run(...command(['run', '--silent', script]), { timeoutMs });
}

/**
 * Under `npm run` the same npm, by its entry file: a bare `npm` is a shell script on Windows, which cannot be started
 * directly.
 *
 * @param {string[]} args
 * @returns {[program: string, args: string[]]}
 */
function command(args) {
  const entry = process.env.npm_execpath;
  return entry?.endsWith('.js') ? [process.execPath, [entry, ...args]] : ['npm', args];
}
