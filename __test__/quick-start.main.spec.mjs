import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

const macLocks = fileURLToPath(new URL('./children/mac-locks.c', import.meta.url));

export default suite('quick start', {
  async 'what `npm run cross` runs on other platforms holds here'(t) {
    await quickStart(t);
  },

  async 'it holds where locks are compared as on macOS'(t) {
    if (process.platform !== 'linux') return;
    const directory = t.tempDir();
    const [library, check] = ['mac-locks.so', 'check'].map((name) => join(directory, name));
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, macLocks, '-ldl']);
    execFileSync('cc', ['-DCHECK', '-o', check, macLocks]);
    const env = { LD_PRELOAD: library };
    const found = execFileSync(check, [join(directory, 'locked')], { encoding: 'utf8', env });
    assert.equal(found, 'fcntl after flock: refused\nflock after fcntl: refused\n');
    await quickStart(t, env);
  },
});

async function quickStart(t, env) {
  const program = startProgram('./quick-start.mjs', { cwd: t.tempDir(), env });
  t.after(() => program.kill());
  const { code, signal, stderr } = await program.closed;
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
}
