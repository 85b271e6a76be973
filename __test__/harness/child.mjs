// @ts-check
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ownStderr } from './stderr.mjs';

/**
 * @typedef {object} ChildOptions
 * @property {readonly string[]} [args]
 * @property {NodeJS.ProcessEnv} [env] added to ours
 *
 * @typedef {object} Exit
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 * @property {string} stderr
 *
 * @typedef {object} Child
 * @property {number} pid
 * @property {() => Promise<string>} line the next line of its stdout; rejects when there is none left
 * @property {(line: string) => void} send writes a line to its stdin
 * @property {(signal?: NodeJS.Signals) => void} kill SIGTERM by default; does nothing if it is gone
 * @property {Promise<Exit>} exited once it is gone and its output is complete
 */

const testDirectory = fileURLToPath(new URL('..', import.meta.url));
const childrenDirectory = fileURLToPath(new URL('../children/', import.meta.url));

/**
 * Starts a process of the runtime we run on.
 *
 * @param {string} program a file in `__test__/children/`, or the source of an ES module
 * @param {ChildOptions} [options]
 * @returns {Child}
 */
export function startChild(program, { args = [], env } = {}) {
  const running = spawn(process.execPath, [...programArguments(program), ...args], {
    // Source resolves its imports from the working directory.
    cwd: testDirectory,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const lines = lineQueue(running.stdout);

  let stderr = '';
  running.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  // A child that is gone cannot read; whether that is wrong is for the case to say.
  running.stdin.on('error', () => {});

  /** @type {Promise<Exit>} */
  const exited = new Promise((resolve, reject) => {
    running.once('error', reject);
    running.once('close', (code, signal) => resolve({ code, signal, stderr: ownStderr(stderr) }));
  });
  exited.catch(() => {});

  return {
    pid: running.pid ?? 0,
    async line() {
      const line = await lines.next();
      if (line !== undefined) return line;
      const { code, signal } = await exited;
      throw new Error(`The child ended (${signal ?? `exit code ${code}`}) before another line.\n${stderr}`);
    },
    send: (line) => void running.stdin.write(`${line}\n`),
    kill: (signal) => void running.kill(signal),
    exited,
  };
}

/** @param {string} program */
function programArguments(program) {
  if (/^[\w./-]+\.mjs$/.test(program)) return [`${childrenDirectory}${program}`];
  const evaluate = process.versions.bun ? ['-e'] : ['--input-type=module', '-e'];
  // `--` keeps the runtime from reading the program's own arguments.
  return [...evaluate, program, '--'];
}

/**
 * Lines that arrive and readers that wait for them, in order.
 *
 * @param {import('node:stream').Readable} stream
 */
function lineQueue(stream) {
  /** @type {string[]} */
  const arrived = [];
  /** @type {((line: string | undefined) => void)[]} */
  const waiting = [];
  let ended = false;
  createInterface({ input: stream })
    .on('line', (line) => {
      const reader = waiting.shift();
      if (reader) reader(line);
      else arrived.push(line);
    })
    .on('close', () => {
      ended = true;
      for (const reader of waiting.splice(0)) reader(undefined);
    });
  return {
    /** @returns {Promise<string | undefined>} nothing after the last line */
    next() {
      const line = arrived.shift();
      if (line !== undefined || ended) return Promise.resolve(line);
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}
