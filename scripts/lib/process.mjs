// @ts-check
import { spawn } from 'node:child_process';
import { root } from './paths.mjs';

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd] the repository by default
 * @property {NodeJS.ProcessEnv} [env] added to ours; `undefined` removes a variable
 * @property {number} [timeoutMs] after which the process is killed
 * @property {AbortSignal} [signal] kills the process
 *
 * @typedef {object} RunResult
 * @property {boolean} ok exited with 0, in time
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 * @property {boolean} timedOut
 * @property {string} stdout
 * @property {string} output stdout and stderr as they came
 */

/** A command failed; the message holds its whole output. */
export class CommandError extends Error {
  /**
   * @param {string} commandLine
   * @param {RunResult} result
   */
  constructor(commandLine, result) {
    super(`${commandLine}\n${describeExit(result)}\n\n${result.output.trimEnd()}`);
    this.name = 'CommandError';
  }
}

/**
 * How a process ended, in words.
 *
 * @param {RunResult} result
 */
export function describeExit({ code, signal, timedOut }) {
  if (timedOut) return 'ran out of time and was killed';
  if (signal) return `was killed by ${signal}`;
  return `exited with ${code}`;
}

/**
 * Runs a command and collects its output.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<RunResult>}
 */
export function run(command, args, { cwd = root, env, timeoutMs, signal: abort } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let output = '';
    let timedOut = false;
    const kill = () => child.kill('SIGKILL');
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            kill();
          }, timeoutMs);
    abort?.addEventListener('abort', kill);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.once('error', reject);
    // Not 'close': a grandchild that outlives a killed child would hold its pipes open.
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      abort?.removeEventListener('abort', kill);
      const finish = () => resolve({ ok: code === 0 && !timedOut, code, signal, timedOut, stdout, output });
      child.once('close', finish);
      setTimeout(finish, 1000).unref();
    });
  });
}

/**
 * Runs a command that has to succeed.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 */
export async function runOrThrow(command, args, options) {
  const result = await run(command, args, options);
  if (!result.ok) throw new CommandError([command, ...args].join(' '), result);
  return result;
}

const noop = () => {};

/**
 * Runs a command on our own terminal and returns its exit code.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<number>}
 */
export function runAttached(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: process.cwd(), stdio: 'inherit' });
    // Ctrl-C reaches the whole process group; we wait for the child to deal with it.
    process.on('SIGINT', noop);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.off('SIGINT', noop);
      resolve(signal ? 1 : (code ?? 1));
    });
  });
}
