import assert from 'node:assert/strict';
import { suite } from './harness/suite.mjs';

export default suite(
  'fake timers',
  Object.fromEntries(
    ['modules', 'globals', 'numbers'].flatMap((how) =>
      ['before', 'after'].map((when) => [
        `promises settle while timers are faked (${how}, ${when} the package is loaded)`,
        async (t) => {
          const child = t.spawn('under-fake-timers.mjs', { args: [how, when, t.tempDir()] });
          const { code, stderr } = await child.exited;
          assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
        },
      ]),
    ),
  ),
);
