import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProcess, startProgram } from './children/peers.mjs';
import { onLinux } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

export default suite('quick start', {
  async 'what `npm run cross` runs on other platforms holds here'(t) {
    await quickStart(t);
  },

  ...onLinux({
    async 'it holds where locks are compared as on macOS'(t) {
      const env = imitate(t, 'mac-locks.c', 'fcntl after flock: refused\nflock after fcntl: refused\n');
      await quickStart(t, env);
    },

    async 'it holds where locks belong to processes alone'(t) {
      const env = imitate(t, 'process-locks.c', 'refused\ngranted\n');
      await quickStart(t, { ...env, QUICK_START_HEALTH: 'degraded' });
      // An operator has to know why.
      const program = startProcess({ env });
      t.after(() => program.stop());
      await program.tell('open', { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true });
      const { status, checks } = await program.tell('healthCheck');
      assert.equal(status, 'degraded');
      const [{ name, message }, ...others] = checks.filter(({ status: own }) => own !== 'ok');
      assert.deepEqual([name, others], ['database-files', []]);
      assert.match(message, /^This system refuses locks of open files, .*F_OFD_SETLK/);
    },
  }),
});

/** The environment of programs whose locks are as this library has them, which prints this when it is asked. */
function imitate(t, name, expected) {
  const source = fileURLToPath(new URL(`./children/${name}`, import.meta.url));
  const directory = t.tempDir();
  const [library, check] = ['locks.so', 'check'].map((made) => join(directory, made));
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  execFileSync('cc', ['-DCHECK', '-o', check, source]);
  const env = { LD_PRELOAD: library };
  assert.equal(execFileSync(check, [join(directory, 'locked')], { encoding: 'utf8', env }), expected);
  return env;
}

async function quickStart(t, env) {
  const program = startProgram('./quick-start.mjs', { cwd: t.tempDir(), env });
  t.after(() => program.kill());
  const { code, signal, stderr } = await program.closed;
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
}
