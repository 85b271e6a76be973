import assert from 'node:assert/strict';
import { startProgram } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

export default suite('quick start', {
  async 'what `npm run cross` runs on other platforms holds here'(t) {
    const env = { CROSS_COMMAND: JSON.stringify([process.execPath]) };
    const program = startProgram('./quick-start.mjs', { env });
    t.after(() => program.kill());
    const { code, signal, stderr } = await program.closed;
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  },
});
