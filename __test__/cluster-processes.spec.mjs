import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProductionConfig } from '13byte-config';
import { startProcess, startProgram } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';
import { allRuntimes } from '../scripts/lib/runtimes.mjs';

const NAMES = ['a', 'b', 'c', 'd'];
const forkedFile = fileURLToPath(new URL('children/forked.mjs', import.meta.url));

export default suite('processes of a cluster', {
  async 'a forked process attaches by the handle it is sent'(t) {
    const config = open(t);
    config.enableFeature('a');
    const child = fork(forkedFile);
    t.after(() => child.kill('SIGKILL'));
    child.send(jsonHandle(config));
    assert.deepEqual((await once(child, 'message'))[0], { features: ['a'], pageId: config.share().pageId });
    const changed = once(config, 'change');
    child.send('enable b');
    const [{ enabled, local }] = await changed;
    assert.deepEqual([enabled, local], [['b'], false]);
    child.send('end');
    assert.equal((await once(child, 'exit'))[0], 0);
    assert.deepEqual(config.getEnabledFeatures(), ['a', 'b']);
  },

  async 'so it does by the handle as it is, whose buffer messages between processes leave behind'(t) {
    const config = open(t);
    const child = fork(forkedFile);
    t.after(() => child.kill('SIGKILL'));
    child.send(JSON.parse(JSON.stringify(config.share())));
    assert.equal((await once(child, 'message'))[0].pageId, config.share().pageId);
    child.send('end');
    await once(child, 'exit');
  },

  async 'every way of the runtime to start a process works'(t) {
    const config = open(t);
    const handle = JSON.stringify(jsonHandle(config));
    const child = startProgram('./forked.mjs', { args: [handle] });
    t.after(() => child.kill());
    assert.equal(await child.line(), 'attached');
    assert.equal((await child.closed).code, 0);
    assert.deepEqual(config.getEnabledFeatures(), ['d']);
    if (!globalThis.Bun) return;
    config.featureFlags = 0;
    const spawned = globalThis.Bun.spawn([process.execPath, forkedFile, handle], { stdout: 'pipe' });
    t.after(() => spawned.kill('SIGKILL'));
    assert.equal(await new Response(spawned.stdout).text(), 'attached\n');
    assert.equal(await spawned.exited, 0);
    assert.deepEqual(config.getEnabledFeatures(), ['d']);
  },

  async 'the workers of node:cluster share'(t) {
    const child = startProgram('./clustered.mjs', { args: [join(t.tempDir(), 'config.db')] });
    t.after(() => child.kill());
    assert.equal(await child.line(), 'primary sees a,b');
    assert.equal(await child.line(), 'workers see a,b,c a,b,c');
    const { code, stderr } = await child.closed;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  },

  async 'processes of every runtime share one state'(t) {
    const { runtimes } = await allRuntimes();
    const config = open(t);
    const options = { persistPath: config.share().persistPath, enableClusterSync: true };
    const processes = runtimes.map(({ path }) => {
      const process = startProcess({ path });
      t.after(() => process.stop());
      return process;
    });
    await Promise.all(
      processes.map((process, index) =>
        process.tell(index % 2 ? 'open' : 'attach', index % 2 ? options : jsonHandle(config)),
      ),
    );
    await Promise.all(processes.map((process) => process.tell('listen')));
    for (const [index, process] of processes.entries()) {
      const name = NAMES[index % NAMES.length];
      const on = await process.tell('toggleFeature', name);
      assert.equal(config.isFeatureEnabled(name), on);
      await Promise.all(processes.map((other) => other.tell('hears', config.getEnabledFeatures())));
    }
    const hex = config.toHex();
    for (const process of processes) assert.equal(await process.tell('toHex'), hex);
    const last = processes.at(-1);
    assert.equal((await last.tell('persist', 'from any')).configHex, hex);
    assert.equal(config.getDebugView().revision, 1);
  },

  async 'a process that attached last may stay last'(t) {
    const config = createProductionConfig({
      persistPath: join(t.tempDir(), 'config.db'),
      enableClusterSync: true,
      features: NAMES,
    });
    config.enableFeature('c');
    const [first, second] = [startProcess(), startProcess()];
    t.after(() => Promise.all([first.stop(), second.stop()]));
    const handle = jsonHandle(config);
    await first.tell('attach', handle);
    await config.close();
    await second.tell('attach', handle);
    await first.finish();
    assert.deepEqual(await second.tell('getEnabledFeatures'), ['c']);
    assert.equal((await second.tell('persist', 'last')).revision, 1);
  },
});

function open(t) {
  const config = createProductionConfig({
    persistPath: join(t.tempDir(), 'config.db'),
    enableClusterSync: true,
    features: NAMES,
  });
  t.after(() => config.close());
  return config;
}

function jsonHandle(config) {
  return JSON.parse(JSON.stringify({ ...config.share(), buffer: undefined }));
}
