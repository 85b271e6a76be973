import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('other-process.mjs', import.meta.url));

/**
 * Starts another process of the same runtime.
 *
 * @param {'look' | 'work' | 'watch' | 'follow'} task
 * @param {string} persistPath
 */
export function startProcess(task, persistPath) {
  const child = spawn(process.execPath, [program, task, persistPath], { stdio: ['ignore', 'pipe', 'inherit'] });
  /** @type {Promise<{ code: number | null, signal: NodeJS.Signals | null }>} */
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    ended,
    kill: () => void child.kill('SIGKILL'),
    /** @returns {Promise<string | undefined>} its next line; nothing after the last */
    async line() {
      const { value, done } = await lines.next();
      return done ? undefined : value;
    },
  };
}

/**
 * What another process sees that opens the database.
 *
 * @param {string} persistPath
 * @returns {Promise<{ pid: number, enabled: string[], terminal: string, revision: number, reason: string }>}
 */
export async function lookFromOutside(persistPath) {
  const other = startProcess('look', persistPath);
  const line = await other.line();
  const { code, signal } = await other.ended;
  if (line === undefined || code !== 0) throw new Error(`The other process ended with ${signal ?? code}`);
  return JSON.parse(line);
}
