// @ts-check
// The demo, on every runtime: it checks what it shows, so it has to end well, and leave nothing behind.
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

describe('the demo', () => {
  const temporary = mkdtempSync(join(tmpdir(), '13byte-config-demo-test-'));
  after(() => rmSync(temporary, { recursive: true, force: true }));

  /**
   * @param {import('../../scripts/lib/runtimes.mjs').Runtime} runtime
   * @param {{ args?: string[], env?: NodeJS.ProcessEnv }} [options]
   */
  const demo = async (runtime, { args = [], env } = {}) => {
    const { code, stdout, output } = await run(runtime.path, [inRoot('examples', 'demo', 'main.mjs'), ...args], {
      env: { ...userEnvironment, NO_COLOR: undefined, TMPDIR: temporary, TEMP: temporary, ...env },
      timeoutMs: 120_000,
    });
    assert.equal(code, 0, output);
    assert.equal(output, stdout, 'nothing on stderr');
    assert.match(stdout, /All \d+ checks hold/);
    assert.doesNotMatch(stdout, /NOT SO|undefined|NaN|\[object/);
    return stdout;
  };

  for (const runtime of runtimes) {
    test(`is plain text in 92 columns when piped, on ${runtime.id}`, async () => {
      const stdout = await demo(runtime);
      assert.ok(!stdout.includes(ansi));
      const long = stdout.split('\n').filter((line) => line.length > 92 && !line.includes(temporary));
      assert.deepEqual(long, []);
      assert.deepEqual(readdirSync(temporary), []);
    });
  }

  test('is coloured on request', async () => {
    const [runtime] = runtimes;
    assert.ok(runtime);
    assert.ok((await demo(runtime, { env: { FORCE_COLOR: '1' } })).includes(ansi));
  });

  test('keeps its databases on request, and says where', async () => {
    const [runtime] = runtimes;
    assert.ok(runtime);
    const stdout = await demo(runtime, { args: ['--keep'] });
    const [directory = ''] = readdirSync(temporary);
    assert.ok(stdout.includes(`The databases are in ${join(temporary, directory)}`));
    assert.ok(readdirSync(join(temporary, directory)).includes('service-config.db'));
  });
});
