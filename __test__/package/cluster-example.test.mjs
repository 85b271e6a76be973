// @ts-check
// The cluster example, on every runtime: it checks what it shows, so it has to end well, and leave nothing behind.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { run } from '../../scripts/lib/process.mjs';
import { allRuntimes } from '../../scripts/lib/runtimes.mjs';
import { userEnvironment } from './support/packages.mjs';

const { runtimes } = await allRuntimes();
const ansi = '\u001B[';

describe('the cluster example', () => {
  const temporary = mkdtempSync(join(tmpdir(), '13byte-config-cluster-test-'));
  after(() => rmSync(temporary, { recursive: true, force: true }));

  /**
   * @param {import('../../scripts/lib/runtimes.mjs').Runtime} runtime
   * @param {NodeJS.ProcessEnv} [env]
   */
  const example = async (runtime, env) => {
    const { code, stdout, output } = await run(runtime.path, [inRoot('examples', 'cluster', 'main.mjs')], {
      env: { ...userEnvironment, NO_COLOR: undefined, TMPDIR: temporary, TEMP: temporary, ...env },
      timeoutMs: 120_000,
    });
    assert.equal(code, 0, output);
    assert.equal(output, stdout, 'nothing on stderr');
    assert.match(stdout, /All 12 checks hold/);
    assert.match(stdout, /ended by SIGKILL/);
    assert.doesNotMatch(stdout, /NOT SO|undefined|NaN|\[object/);
    return stdout;
  };

  for (const runtime of runtimes) {
    test(`is plain text in 92 columns when piped, on ${runtime.id}`, async () => {
      const stdout = await example(runtime);
      assert.ok(!stdout.includes(ansi));
      const long = stdout.split('\n').filter((line) => line.length > 92 && !line.includes(temporary));
      assert.deepEqual(long, []);
      assert.deepEqual(readdirSync(temporary), []);
    });
  }

  test('is coloured on request', async () => {
    const [runtime] = runtimes;
    assert.ok(runtime);
    assert.ok((await example(runtime, { FORCE_COLOR: '1' })).includes(ansi));
  });
});
