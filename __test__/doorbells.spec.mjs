import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { startProcess, startProgram } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

export default suite('doorbells', {
  async 'a listener is told by other processes, and does not wait for the next look'(t) {
    const { config, options } = open(t);
    const peers = [await listener(t, options, 'stopTheClock'), await listener(t, options, 'stopTheClock')];
    for (const flips of [['a'], ['a', 'b'], ['b'], []]) {
      config.update((draft) => {
        draft.disable('a', 'b');
        draft.enable(...flips);
      });
      await Promise.all(peers.map((peer) => peer.tell('hears', flips)));
    }
    // And one tells the other, without this process.
    await peers[0].tell('enableFeature', 'b');
    await peers[1].tell('hears', ['b']);
  },

  async 'it is told whatever the length of the path'(t) {
    const directory = join(t.tempDir(), 'long'.repeat(40));
    mkdirSync(directory);
    const { config, options } = open(t, directory);
    const peer = await listener(t, options, 'stopTheClock');
    config.enableFeature('a');
    await peer.tell('hears', ['a']);
  },

  async 'a listener that goes leaves nothing behind'(t) {
    const { config, options, doorbells } = open(t);
    const peer = await listener(t, options);
    const stop = new AbortController();
    const changes = config.changes({ signal: stop.signal });
    const next = changes.next();
    while (readdirSync(doorbells).length < 2) await turn();
    assert.equal(statSync(doorbells).mode & 0o777, 0o700);
    for (const name of readdirSync(doorbells)) assert.ok(statSync(join(doorbells, name)).isSocket());
    stop.abort();
    await assert.rejects(next, { name: 'AbortError' });
    assert.equal(readdirSync(doorbells).length, 1);
    await peer.tell('close');
    assert.deepEqual(readdirSync(doorbells), []);
  },

  async 'where no doorbell can be made, listeners hear of changes all the same'(t) {
    for (const spoil of [
      (path) => writeFileSync(path, 'in the way'),
      (path) => {
        mkdirSync(path);
        chmodSync(path, 0o777);
      },
    ]) {
      const { config, options, doorbells } = open(t);
      rmSync(doorbells, { recursive: true, force: true });
      spoil(doorbells);
      const peer = await listener(t, options);
      config.enableFeature('b');
      await peer.tell('hears', ['b']);
      const { status, checks } = await peer.tell('healthCheck');
      const { message } = checks.find(({ name, status: own }) => name === 'listening' && own === 'degraded');
      assert.equal(status, 'degraded');
      assert.ok(message.includes(doorbells), message);
    }
  },

  async 'workers of node:cluster have doorbells of their own'(t) {
    const { config, options } = open(t);
    const program = startProgram('./cluster-listeners.mjs', { args: [JSON.stringify(options)] });
    t.after(() => program.kill());
    const listening = [await program.line(), await program.line()];
    assert.equal(new Set(listening).size, 2);
    config.enableFeature('a');
    const heard = [await program.line(), await program.line()];
    assert.deepEqual(heard.toSorted(), listening.map((pid) => `${pid} a`).toSorted());
  },
});

/** A config for this process and others, and where the doorbells of its listeners are. */
function open(t, directory = t.tempDir()) {
  const options = {
    persistPath: join(directory, 'config.db'),
    enableClusterSync: true,
    environment: 'test',
    features: ['a', 'b'],
  };
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return { config, options, doorbells: `${options.persistPath}-live-test-doorbells` };
}

/** Another process that listens. */
async function listener(t, options, ...commands) {
  const peer = startProcess();
  t.after(() => peer.stop());
  await peer.tell('open', options);
  for (const command of commands) await peer.tell(command);
  await peer.tell('listen');
  return peer;
}

function turn() {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
