// Starts peers: other processes and threads that use a config as they are told.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ownStderr } from '../harness/stderr.mjs';

/**
 * A program of this directory in a process, of this runtime unless `path` is another one's; `options` are for the
 * runtime. `line()` gives the next line it prints.
 */
export function startProgram(
  program,
  { path = process.execPath, options = [], args = [], env, cwd, input = 'pipe' } = {},
) {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(path, [...options, file, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: [input, 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  child.stdin?.on('error', () => {});
  const closed = once(child, 'close').then(([code, signal]) => ({ code, signal, stderr: ownStderr(stderr) }));
  closed.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid,
    closed,
    send: (text) => void child.stdin.write(`${text}\n`),
    endInput: () => void child.stdin.end(),
    async line() {
      const { value, done } = await lines.next();
      if (!done) return value;
      const { code, signal } = await closed;
      throw new Error(`${program} ended (${signal ?? `exit code ${code}`}) before another line.\n${stderr}`);
    },
    async kill(signal = 'SIGKILL') {
      child.kill(signal);
      return closed;
    },
  };
}

/** A peer in another process. */
export function startProcess(options) {
  const program = startProgram('./peer-process.mjs', options);
  const exchange = makeExchange((message) => program.send(JSON.stringify(message)));
  (async () => {
    try {
      for (;;) exchange.receive(JSON.parse(await program.line()));
    } catch (error) {
      exchange.fail(error);
    }
  })();
  return {
    ...exchange.members,
    pid: program.pid,
    closed: program.closed,
    kill: program.kill,
    /** Lets it end by itself. */
    async finish() {
      program.endInput();
      return program.closed;
    },
    stop: () => program.kill(),
  };
}

/** A peer in a thread of this process. */
export function startThread(url = new URL('./peer-thread.mjs', import.meta.url)) {
  const worker = new Worker(url);
  const exchange = makeExchange((message) => worker.postMessage(message));
  worker.on('message', exchange.receive).on('error', exchange.fail);
  const exited = once(worker, 'exit');
  exited.then(([code]) => exchange.fail(new Error(`The thread ended with ${code}`)), exchange.fail);
  return { ...exchange.members, exited, worker, stop: () => worker.terminate() };
}

/** A peer in one of Bun's web Workers. */
export function startWebWorker() {
  const worker = new globalThis.Worker(new URL('./peer-thread.mjs', import.meta.url));
  const exchange = makeExchange((message) => worker.postMessage(message));
  worker.addEventListener('message', ({ data }) => exchange.receive(data));
  worker.addEventListener('error', (event) => exchange.fail(new Error(event.message)));
  return { ...exchange.members, stop: () => worker.terminate() };
}

/** Commands that are under way, and their answers. */
function makeExchange(send) {
  const pending = new Map();
  let ended;
  let last = 0;
  const ask = (...command) =>
    new Promise((resolve, reject) => {
      if (ended) {
        reject(ended);
        return;
      }
      last += 1;
      pending.set(last, { resolve, reject });
      send({ id: last, command });
    });
  return {
    receive({ id, ...answer }) {
      pending.get(id)?.resolve(answer);
      pending.delete(id);
    },
    fail(error) {
      ended ??= error;
      for (const { reject } of pending.values()) reject(ended);
      pending.clear();
    },
    members: {
      /** The result of a command that has to succeed. */
      async tell(...command) {
        const { result, error } = await ask(...command);
        if (error) throw Object.assign(new Error(`${command[0]}: ${error.message}`), { code: error.code });
        return result;
      },
      /** The error of a command that has to fail. */
      async refuse(...command) {
        const { result, error } = await ask(...command);
        if (!error) throw new Error(`${command[0]} did not fail: ${JSON.stringify(result)}`);
        return error;
      },
    },
  };
}

/** Fields of a live file, read as any program could. */
export function readLiveFile(path) {
  const bytes = readFileSync(path);
  return {
    flags: bytes.readUInt32LE(8),
    generation: bytes.readUInt32LE(16),
    sleepers: bytes.readUInt32LE(20),
    revision: Number(bytes.readBigUInt64LE(32)),
    pageId: bytes.readBigUInt64LE(40).toString(16).padStart(16, '0'),
    isUnfinished: bytes.readBigUInt64LE(160) !== 0n || bytes.readUInt32LE(168) % 2 === 1,
  };
}
