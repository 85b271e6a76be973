// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/**
 * Starts a program that serves over HTTP at the port it is given, and prints its address.
 *
 * @param {string} path of the runtime
 * @param {string} program
 * @param {string} cwd
 */
export async function startServer(path, program, cwd) {
  const child = spawn(path, [program, '0'], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const { value: address } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (address === undefined) throw new Error(`${program} ended before it served`);
  return {
    address: String(address),
    /** Its exit code, after it was asked to end. */
    async stop() {
      child.kill('SIGTERM');
      const [code] = await exited;
      return code;
    },
  };
}
