import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { startProcess, startProgram } from './children/peers.mjs';
import { onPosix } from './harness/posix.mjs';
import { removeDirectory } from './harness/remove-directory.mjs';
import { suite } from './harness/suite.mjs';

const isWindows = process.platform === 'win32';

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
    if (!isWindows) {
      assert.equal(statSync(doorbells).mode & 0o777, 0o700);
      for (const name of readdirSync(doorbells)) assert.ok(statSync(join(doorbells, name)).isSocket());
    }
    stop.abort();
    await assert.rejects(next, { name: 'AbortError' });
    assert.equal(readdirSync(doorbells).length, 1);
    await peer.tell('close');
    assert.deepEqual(readdirSync(doorbells), []);
  },

  async 'where no doorbell can be made, listeners hear of changes all the same'(t) {
    for (const spoil of [
      (path) => writeFileSync(path, 'in the way'),
      ...onPosix([
        (path) => {
          mkdirSync(path);
          chmodSync(path, 0o777);
        },
      ]),
    ]) {
      const { config, options, doorbells } = open(t);
      removeDirectory(doorbells);
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

  ...onPosix({
    async 'a directory that is removed or replaced by a link is repaired, and health says so meanwhile'(t) {
      const { config, options, doorbells } = open(t);
      const peer = await listener(t, options);
      await stateOf(peer, 'ok');
      const elsewhere = join(t.tempDir(), 'elsewhere');
      mkdirSync(elsewhere, { mode: 0o700 });
      // Of another program, and called as a doorbell is.
      let callers = 0;
      const foreign = createServer(() => (callers += 1)).listen(join(elsewhere, 'fedcba9876543210'));
      t.after(() => foreign.close());
      await once(foreign, 'listening');
      renameSync(doorbells, join(elsewhere, 'moved'));
      symlinkSync(elsewhere, doorbells);
      const { message } = await stateOf(peer, 'degraded');
      assert.match(message, /cannot notify this one of changes.*not a directory/);
      config.enableFeature('a');
      await peer.tell('hears', ['a']);
      const { message: mute } = await stateOf(config, 'degraded');
      assert.match(mute, /cannot notify others of its changes.*not a directory/);
      assert.equal(callers, 0, 'what the link leads to is left alone');
      assert.deepEqual(readdirSync(elsewhere).toSorted(), ['fedcba9876543210', 'moved']);

      rmSync(doorbells);
      await stateOf(peer, 'ok');
      assert.equal(readdirSync(doorbells).length, 1);
      rmSync(doorbells, { recursive: true });
      await stateOf(peer, 'ok');
      assert.equal(readdirSync(doorbells).length, 1);
      await stateOf(config, 'ok');
    },

    async 'a directory that goes in the turn in which listening begins ends no program'(t) {
      const { config, options, doorbells } = open(t);
      const peer = startProcess();
      t.after(() => peer.stop());
      await peer.tell('open', options);
      await peer.tell('listenAndRemove', doorbells);
      config.enableFeature('a');
      await peer.tell('hears', ['a']);
      while (!existsSync(doorbells) || readdirSync(doorbells).length !== 1) await turn();
      await stateOf(peer, 'ok');
    },

    async 'a program that becomes another user in that turn goes on, and says what is wrong'(t) {
      const { config, options } = open(t);
      const peer = startProcess();
      t.after(() => peer.stop());
      await peer.tell('open', options);
      if (!(await peer.tell('listenAndDropPrivileges'))) return;
      config.enableFeature('a');
      await peer.tell('hears', ['a']);
      await stateOf(peer, 'degraded');
    },

    async 'without descriptors health is degraded, and with them everything is as before'(t) {
      const { config, options } = open(t);
      const few = { path: 'sh', options: ['-c', 'ulimit -n 200; exec "$0" "$@"', process.execPath] };
      const writer = startProcess(few);
      const peer = startProcess(few);
      for (const program of [writer, peer]) {
        t.after(() => program.stop());
        await program.tell('open', options);
      }
      await stateOf(writer, 'ok');
      await writer.tell('useUpDescriptors');
      await peer.tell('listen');
      await stateOf(peer, 'ok');
      const { message } = await stateOf(writer, 'degraded');
      assert.match(message, /cannot notify others of its changes.*(oo many open files|No file descriptors)/);
      await writer.tell('enableFeature', 'a');
      await peer.tell('hears', ['a']);
      await writer.tell('giveBackDescriptors');
      await stateOf(writer, 'ok');

      await peer.tell('useUpDescriptors');
      const { message: deaf } = await stateOf(peer, 'degraded');
      assert.match(deaf, /cannot notify this one of changes.*(oo many open files|No file descriptors)/);
      config.enableFeature('b');
      await peer.tell('hears', ['a', 'b']);
      await peer.tell('giveBackDescriptors');
      await stateOf(peer, 'ok');
    },
  }),

  async 'each of many listeners is told, and none of them waits for the next look'(t) {
    const { config, options } = open(t);
    const crowd = startProcess();
    t.after(() => crowd.stop());
    await crowd.tell('stopTheClock');
    await crowd.tell('crowd', options, 30);
    for (let change = 1; change <= 3; change += 1) {
      config.toggleFeature('a');
      await crowd.tell('crowdHears', change);
    }
  },

  async 'a listener keeps a limited number of connections, and misses nothing for that'(t) {
    const { config, options, doorbells } = open(t);
    const peer = await listener(t, options, 'stopTheClock');
    while (readdirSync(doorbells).some((name) => name.endsWith('.new'))) await turn();
    const path = addressOf(doorbells, readdirSync(doorbells)[0]);
    config.enableFeature('a');
    await peer.tell('hears', ['a']);
    const callers = [];
    for (let number = 0; number < 70; number += 1) {
      const caller = connect({ path });
      t.after(() => caller.destroy());
      caller.on('error', () => {});
      callers.push(new Promise((resolve) => void caller.once('close', resolve)));
      await new Promise((resolve) => void caller.once('connect', resolve));
    }
    await Promise.all(callers.slice(0, 6));
    // Its connection was the oldest.
    config.enableFeature('b');
    await peer.tell('hears', ['a', 'b']);
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

/** Where a doorbell listens. */
function addressOf(doorbells, name) {
  return isWindows ? `\\\\.\\pipe\\13byte-config-${name}` : join(doorbells, name);
}

/** Another process that listens. */
async function listener(t, options, ...commands) {
  const peer = startProcess();
  t.after(() => peer.stop());
  for (const command of commands) await peer.tell(command);
  await peer.tell('open', options);
  await peer.tell('listen');
  return peer;
}

/** Waits until the check of listening has this outcome, and returns it. */
async function stateOf(program, wanted) {
  for (;;) {
    const { checks } = await (program.tell?.('healthCheck') ?? program.healthCheck());
    const listening = checks.find(({ name }) => name === 'listening');
    if (listening.status === wanted) return listening;
  }
}

function turn() {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
