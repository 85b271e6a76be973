// Runs one of the examples of brief/ as a process of its own, in an empty directory that is removed afterwards.
//
//   node examples/run.mjs feature-rollout
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const directory = fileURLToPath(new URL('brief/', import.meta.url));

/** Beside the examples, since one of them starts it from the working directory. */
const worker = 'config-sync-worker.ts';

/** No example takes a second; one that hangs must not hang its caller. */
const limit = /** @type {const} */ ({ timeout: 30_000, killSignal: 'SIGKILL' });

/** @type {readonly string[]} The names of the examples. */
export const examples = readdirSync(directory)
  .filter((file) => file.endsWith('.mts'))
  .map((file) => basename(file, '.mts'));

/**
 * @typedef {object} Outcome
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 * @property {string} stdout
 * @property {string} stderr
 *
 * @typedef {object} RunOptions
 * @property {string} cwd the working directory, where the example puts its files
 * @property {string} [environment] its NODE_ENV; unset by default
 * @property {string} [tail] statements that look at what the example has made; they run after it, in its module
 */

/**
 * Runs an example on the runtime that runs this.
 *
 * @param {string} name
 * @param {RunOptions} options
 * @returns {Promise<Outcome>}
 */
export function runExample(name, { cwd, environment, tail }) {
  const { NODE_ENV: _ours, ...env } = process.env;
  if (environment !== undefined) env.NODE_ENV = environment;
  // Where a shared config without a database has its file: here, so that nothing is left behind.
  env.XDG_RUNTIME_DIR = cwd;
  const file = program(name, cwd, tail);
  return collect(spawn(process.execPath, [file], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], ...limit }));
}

/**
 * The file to run: the example itself, or a copy of it where something has to be added or where the runtime does not
 * take TypeScript. No example needs more than another ending to be JavaScript.
 *
 * @param {string} name
 * @param {string} cwd
 * @param {string} [tail]
 */
function program(name, cwd, tail) {
  const file = join(directory, `${name}.mts`);
  if (name === 'bun-worker') {
    copyFileSync(join(directory, worker), join(cwd, worker));
    linkPackage(cwd);
  }
  if (tail === undefined && runsTypeScript()) return file;
  linkPackage(cwd);
  const copy = join(cwd, `${name}.mjs`);
  writeFileSync(copy, `${readFileSync(file, 'utf8')}\n${tail ?? ''}\n`);
  return copy;
}

function runsTypeScript() {
  return process.versions.bun !== undefined || Boolean(/** @type {any} */ (process).features.typescript);
}

/**
 * What installing the package into a directory comes down to.
 *
 * @param {string} cwd
 */
function linkPackage(cwd) {
  const link = join(cwd, 'node_modules', '13byte-config');
  rmSync(link, { force: true });
  mkdirSync(join(cwd, 'node_modules'), { recursive: true });
  symlinkSync(root, link, 'junction');
}

/**
 * @param {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, import('node:stream').Readable>} child
 * @returns {Promise<Outcome>}
 */
function collect(child) {
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

async function main() {
  const [name = ''] = process.argv.slice(2);
  if (!examples.includes(name)) {
    console.error(`Usage: node examples/run.mjs <example>\n\nExamples: ${examples.join(', ')}`);
    return 2;
  }
  const cwd = mkdtempSync(join(tmpdir(), '13byte-config-example-'));
  try {
    const { code, stdout, stderr } = await runExample(name, { cwd });
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    return code ?? 1;
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) process.exitCode = await main();
