// @ts-check
// The demo, on every runtime.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeExample, testLook } from './support/examples.mjs';

describe('the demo', () => {
  const demo = makeExample('demo', [/All \d+ checks hold/]);
  testLook(demo);

  test('keeps its databases on request, and says where', async () => {
    const stdout = await demo.start({ args: ['--keep'] });
    const [directory = ''] = readdirSync(demo.temporary);
    assert.ok(stdout.includes(`The databases are in ${join(demo.temporary, directory)}`));
    assert.ok(readdirSync(join(demo.temporary, directory)).includes('service-config.db'));
  });
});
