// A live state that has not been brought up to the database for very many revisions.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { startProgram } from '../children/peers.mjs';
import { tell } from '../children/tell.mjs';

const AT_ONCE = 500;

/**
 * A program persists, another one does so `revisions` times, then the first one does again. Meanwhile a SQLite of its own
 * tries to write.
 */
export async function persistFarBehind({ directory, revisions, path, mostMs, after }) {
  const options = { persistPath: join(directory, 'config.db'), environment: 'production' };
  const program = startProgram('./program.mjs', { path });
  after(() => program.kill());
  await tell(program, 'open', options);
  await tell(program, 'enableFeature', 'debug');
  await tell(program, 'persist', 'first');
  const config = createProductionConfig(options);
  after(() => config.close());
  config.disableFeature('debug');
  for (let done = 0; done < revisions; done += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, () => {
      config.toggleFeature('metrics');
      return config.persist('another');
    });
    await Promise.all(batch);
  }
  config.enableFeature('metrics');
  const { revision } = await config.persist('the last one of the other program');
  assert.ok(revision > revisions);

  const waiting = startProgram('./write-lock-waits.mjs', { path, args: [options.persistPath] });
  after(() => waiting.kill());
  assert.equal(await waiting.line(), 'started');
  await tell(program, 'enableFeature', 'caching');
  const { changes } = await tell(program, 'persist', 'far behind');
  waiting.send('');
  const waitedMs = Number(await waiting.line());
  assert.deepEqual(changes, ['+caching']);
  assert.deepEqual(await tell(program, 'getEnabledFeatures'), ['metrics', 'caching']);
  assert.ok(waitedMs <= mostMs, `another program could not write for ${waitedMs} ms`);
  return { revisions: revision, 'µs in which nobody else could write': Math.round(waitedMs * 1000) };
}
