// @ts-check
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { createProductionConfig } from '13byte-config';
import { ownStderr } from './stderr.mjs';

/**
 * @typedef {import('./context.mjs').TestContext} TestContext
 *
 * @typedef {object} Result
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 * @property {string} stdout
 * @property {string} stderr
 *
 * @typedef {object} RunOptions
 * @property {NodeJS.ProcessEnv} [env] added to ours
 * @property {string} [cwd]
 * @property {readonly string[]} [through] a command that runs the one it gets as arguments
 */

/** The program as it is published. */
export const programFile = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));

/** The `openIn` of a result when no other process has the database open. */
export const NOBODY_ELSE = process.platform === 'linux' ? [] : null;

const schemaDirectory = new URL('../../docs/schemas/', import.meta.url);
const schemas = new Ajv2020({ strict: true, strictTypes: false, allErrors: true });
for (const name of readdirSync(schemaDirectory)) {
  schemas.addSchema(JSON.parse(readFileSync(new URL(name, schemaDirectory), 'utf8')));
}

/**
 * Starts `13byte-config` on the runtime we run on. It knows nothing of our environment's settings for it.
 *
 * @param {TestContext} t
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 */
export function start(t, args, { env, cwd, through = [] } = {}) {
  const [command, ...rest] = [...through, process.execPath, programFile, ...args];
  const child = spawn(String(command), rest, {
    cwd,
    env: { ...withoutSettings(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/**
 * Runs `13byte-config` to its end.
 *
 * @param {TestContext} t
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<Result>}
 */
export async function run(t, args, options) {
  const child = start(t, args, options);
  const [[code, signal], stdout, stderr] = await Promise.all([
    once(child, 'close'),
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code, signal, stdout, stderr: ownStderr(stderr) };
}

/**
 * What a command that succeeds prints.
 *
 * @param {TestContext} t
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 */
export async function print(t, args, options) {
  const { code, stdout, stderr } = await run(t, args, options);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, args.join(' '));
  return stdout;
}

/**
 * What a command that succeeds gives with `--json`, held against its schema.
 *
 * @param {TestContext} t
 * @param {readonly string[]} args the command first
 * @param {RunOptions & { code?: number }} [options] `code`: what it ends with, 0 by default
 */
export async function result(t, args, { code: wanted = 0, ...options } = {}) {
  const { code, stdout, stderr } = await run(t, [...args, '--json'], options);
  assert.deepEqual({ code, stderr }, { code: wanted, stderr: '' }, args.join(' '));
  return conforming(String(args[0]), stdout);
}

/**
 * The error of a command that fails, with and without `--json`: the same code and message, nothing on stdout.
 *
 * @param {TestContext} t
 * @param {number} code what it ends with
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 */
export async function failure(t, code, args, options) {
  const [plain, json] = await Promise.all([run(t, args, options), run(t, ['--json', ...args], options)]);
  assert.deepEqual(
    [plain.code, plain.stdout, json.code, json.stdout],
    [code, '', code, ''],
    plain.stderr + json.stderr,
  );
  const { error } = conforming('error', json.stderr);
  assert.equal(plain.stderr, `13byte-config: ${error.message} (${error.code})\n`);
  return error;
}

/**
 * @param {string} schema name of a file in docs/schemas
 * @param {string} json
 */
export function conforming(schema, json) {
  const value = JSON.parse(json);
  const validate = schemas.getSchema(`${schema}.json`);
  assert.ok(validate, `docs/schemas has no ${schema}.json`);
  assert.ok(validate(value), `${schema}: ${schemas.errorsText(validate.errors)}\n${json}`);
  return value;
}

/**
 * Does the same with each, a few at a time: programs take their time to start.
 *
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<unknown>} work
 */
export async function forEach(items, work) {
  const waiting = [...items];
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  });
  await Promise.all(workers);
}

const AT_ONCE = 3;

/**
 * A closed database with one revision in production: metrics and maintenance_mode on.
 *
 * @param {TestContext} t
 * @param {(config: import('13byte-config').ProductionConfig<any>) => void} [prepare] what else it has
 */
export async function database(t, prepare) {
  const persistPath = join(t.tempDir(), 'config.db');
  const config = createProductionConfig({ persistPath, environment: 'production', actor: 'tester' });
  config.update((draft) => draft.enable('metrics', 'maintenance_mode'));
  config.setTerminalSettings(1, 30, 90);
  prepare?.(config);
  await config.persist('one');
  await config.close();
  return persistPath;
}

/**
 * The options that name it.
 *
 * @param {string} persistPath
 */
export function production(persistPath) {
  return ['--db', persistPath, '--env', 'production'];
}

/**
 * Its revisions, newest first.
 *
 * @param {string} persistPath
 */
export async function history(persistPath) {
  const config = createProductionConfig({ persistPath, environment: 'production', readOnly: true });
  try {
    return await config.getHistory();
  } finally {
    await config.close();
  }
}

/** @param {NodeJS.ProcessEnv} env */
function withoutSettings(env) {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('CONFIG13BYTE_') && name !== 'NODE_ENV'),
  );
}
