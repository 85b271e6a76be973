// @ts-check
// Runs the programs in `examples/` that check what they show: they have to end well, and leave nothing behind.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inRoot } from '../../../scripts/lib/paths.mjs';
import { run } from '../../../scripts/lib/process.mjs';
import { allRuntimes } from '../../../scripts/lib/runtimes.mjs';
import { userEnvironment } from './packages.mjs';

const ansi = '\u001B[';
const { runtimes } = await allRuntimes();
const [first] = runtimes;

/**
 * A program, and the directory it has for what it makes. `start` runs it, on the first runtime unless told otherwise.
 *
 * @param {string} name of its directory
 * @param {RegExp[]} shown what it has to print
 */
export function makeExample(name, shown) {
  const temporary = mkdtempSync(join(tmpdir(), `13byte-config-${name}-test-`));
  after(() => rmSync(temporary, { recursive: true, force: true }));
  return {
    temporary,
    /** @param {{ runtime?: import('../../../scripts/lib/runtimes.mjs').Runtime, args?: string[], env?: NodeJS.ProcessEnv }} [options] */
    async start({ runtime = first, args = [], env } = {}) {
      assert.ok(runtime);
      const { code, stdout, output } = await run(runtime.path, [inRoot('examples', name, 'main.mjs'), ...args], {
        env: { ...userEnvironment, NO_COLOR: undefined, TMPDIR: temporary, TEMP: temporary, ...env },
        timeoutMs: 120_000,
      });
      assert.equal(code, 0, output);
      assert.equal(output, stdout, 'nothing on stderr');
      for (const pattern of shown) assert.match(stdout, pattern);
      assert.doesNotMatch(stdout, /NOT SO|undefined|NaN|\[object/);
      return stdout;
    },
  };
}

/**
 * How every one of them has to look.
 *
 * @param {ReturnType<typeof makeExample>} example
 */
export function testLook({ start, temporary }) {
  for (const runtime of runtimes) {
    test(`is plain text in 92 columns when piped, on ${runtime.id}`, async () => {
      const stdout = await start({ runtime });
      assert.ok(!stdout.includes(ansi));
      const long = stdout.split('\n').filter((line) => line.length > 92 && !line.includes(temporary));
      assert.deepEqual(long, []);
      assert.deepEqual(readdirSync(temporary), []);
    });
  }

  test('is coloured on request', async () => {
    assert.ok((await start({ env: { FORCE_COLOR: '1' } })).includes(ansi));
  });
}
