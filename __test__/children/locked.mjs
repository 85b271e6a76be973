// A database that another process keeps locked.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pathOfRuntimeWithSqlite } from './other-sqlite.mjs';

/** Another process that keeps a database locked until it is told to release it. */
export async function holdLock(t, mode, file) {
  const program = fileURLToPath(new URL('./hold-lock.mjs', import.meta.url));
  const child = spawn(pathOfRuntimeWithSqlite(), [program, mode, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [said] = await once(child.stdout, 'data');
  assert.equal(`${said}`, 'locked\n');
  return {
    async release(justBefore = () => {}) {
      justBefore();
      child.stdin.write('release\n');
      const [released] = await once(child.stdout, 'data');
      assert.equal(`${released}`, 'released\n');
    },
  };
}
