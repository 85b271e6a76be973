// Changes that running programs see at once.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createProductionConfig } from '13byte-config';
import { startProgram } from './children/peers.mjs';
import { tell } from './children/tell.mjs';
import { conforming, failure, print, production, result, run } from './harness/command-line.mjs';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

export default suite('command line and running programs', {
  async 'a server that runs answers the next request by the change'(t) {
    const { server, options } = await startServer(t);
    assert.equal(await ask(server), '503 down for maintenance');
    assert.equal(
      await print(t, ['disable', 'maintenance_mode', ...options]),
      'maintenance_mode is off\nrunning programs have it; persisted as revision 2\n',
    );
    assert.equal(await ask(server), '200 hello');
    const change = await result(t, ['enable', 'maintenance_mode', '--no-persist', ...options]);
    assert.deepEqual([change.live, change.changed, change.persisted, change.revision], [true, true, false, 2]);
    assert.equal(await ask(server), '503 down for maintenance');
  },

  async 'status shows the live state, and whether it is persisted'(t) {
    const { options } = await startServer(t);
    const before = await result(t, ['status', ...options]);
    assert.deepEqual([before.live, before.persisted, before.revision.revision], [true, true, 1]);
    await print(t, ['enable', 'debug', '--no-persist', ...options]);
    const after = await result(t, ['status', ...options]);
    assert.deepEqual([after.live, after.persisted, after.revision.revision], [true, false, 1]);
    assert.equal(after.features.find(({ name }) => name === 'debug').enabled, true);
    assert.ok((await print(t, ['status', ...options])).includes('live\tyes, programs are running\n'));
    // The live state has it already, the database does not.
    const persisted = await result(t, ['enable', 'debug', ...options]);
    assert.deepEqual([persisted.changed, persisted.persisted, persisted.revision], [false, true, 2]);
    assert.equal((await result(t, ['status', ...options])).persisted, true);
  },

  async 'a rollout that is not persisted is told of and persisted, though it is not in the 13 bytes'(t) {
    const { options } = await startServer(t);
    await print(t, ['rollout', 'beta_feature', '10', '--no-persist', ...options]);
    assert.equal((await result(t, ['status', ...options])).persisted, false);
    const { changed, revision } = await result(t, ['rollout', 'beta_feature', '10', ...options]);
    assert.deepEqual([changed, revision], [false, 2]);
  },

  async 'an unknown feature changes nothing in running programs, and has the nearest name'(t) {
    const { server, options } = await startServer(t);
    const { message } = await failure(t, 2, ['disable', 'maintenance_mode', 'metrcs', ...options]);
    assert.ok(message.startsWith('Unknown feature: metrcs. Did you mean metrics? Available: '), message);
    assert.equal(await ask(server), '503 down for maintenance');
  },

  async 'a conflict is found before the live state is changed'(t) {
    const { server, options } = await startServer(t);
    const error = await failure(t, 5, ['disable', 'maintenance_mode', '--if-revision', '7', ...options]);
    assert.deepEqual([error.code, error.applied], ['ERR_REVISION_CONFLICT', false]);
    assert.equal(await ask(server), '503 down for maintenance');
  },

  ...onPosix({
    async 'a change for which there is no space changes nothing, unless it is for running programs alone'(t) {
      const { server, options } = await startServer(t);
      // No file may grow in it, so the log of the database cannot.
      const through = ['sh', '-c', 'ulimit -S -f 0 && trap \'\' XFSZ && exec "$0" "$@"'];
      const disable = ['disable', 'maintenance_mode', ...options, '--json'];
      const { code, stdout, stderr } = await run(t, disable, { through });
      assert.deepEqual([code, stdout], [1, ''], stderr);
      const { error } = conforming('error', stderr);
      assert.deepEqual([error.code, error.applied], ['ERR_DISK_FULL', false]);
      assert.match(error.message, /^Nothing was changed: No space left for .*\. With --no-persist, /);
      assert.equal(await ask(server), '503 down for maintenance');
      assert.equal((await run(t, [...disable, '--no-persist'], { through })).code, 0);
      assert.equal(await ask(server), '200 hello');
    },
  }),

  async 'a change says which programs have a live state of their own, and status whether they do'(t) {
    if (process.platform !== 'linux') return;
    const persistPath = join(t.tempDir(), 'config.db');
    const options = production(persistPath);
    const [own, shared] = [t.spawn('program.mjs'), t.spawn('program.mjs')];
    await tell(own, 'open', { persistPath, environment: 'production' });
    await tell(shared, 'open', { persistPath, environment: 'production', enableClusterSync: true });
    const openIn = [
      { pid: own.pid, sharesLive: false },
      { pid: shared.pid, sharesLive: true },
    ].toSorted((a, b) => a.pid - b.pid);
    const status = await result(t, ['status', ...options]);
    const shown = status.openIn.map(({ pid, program, sharesLive }) => {
      assert.match(program, /^\S+ .*\.mjs$/);
      return { pid, sharesLive };
    });
    assert.deepEqual(shown, openIn);
    assert.match(
      await print(t, ['status', ...options]),
      new RegExp(`open in\t[^\n]* \\(${own.pid}\\), has a live state of its own`),
    );
    const printed = await print(t, ['enable', 'debug', ...options]);
    const wanted = new RegExp(
      `^debug is on\nrunning programs have it; persisted as revision 1\n[^\n]* \\(${own.pid}\\) has a live state of its own and takes this over`,
    );
    assert.match(printed, wanted);
    assert.equal(await tell(shared, 'isFeatureEnabled', 'debug'), true);
    assert.equal(await tell(own, 'isFeatureEnabled', 'debug'), false);
    await tell(own, 'persist', 'next');
    assert.equal(await tell(own, 'isFeatureEnabled', 'debug'), true);
  },

  async 'a program that follows has a change without sharing the live state'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const program = t.spawn('program.mjs');
    await tell(program, 'open', { persistPath, environment: 'production', follow: true });
    await print(t, ['enable', 'debug', '--create', ...production(persistPath)]);
    while (!(await tell(program, 'isFeatureEnabled', 'debug'))) await setImmediate();
  },

  async 'a switch is committed without the rollout that a program has not persisted, and leaves it'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const options = production(persistPath);
    const program = t.spawn('program.mjs');
    await tell(program, 'open', { persistPath, environment: 'production', enableClusterSync: true });
    await tell(program, 'setRollout', 'beta_feature', 10);
    await print(t, ['enable', 'beta_feature', ...options]);
    assert.equal(await tell(program, 'getRollout', 'beta_feature'), 10);
    const { changed, features } = await result(t, ['enable', 'beta_feature', 'debug', '--rollout', '2.5', ...options]);
    assert.deepEqual(
      [changed, features.map(({ rollout }) => rollout), await tell(program, 'getRollout', 'debug')],
      [true, [2.5, 2.5], 2.5],
    );
    const [last, first] = (await result(t, ['history', ...options])).revisions;
    assert.deepEqual(first.changes, ['+beta_feature']);
    assert.deepEqual(last.changes, ['+debug', 'debug 100% → 2.5%', 'beta_feature 100% → 2.5%']);
    assert.equal((await run(t, ['enable', 'debug', '--rollout', '101', ...options])).code, 2);
    assert.equal((await run(t, ['disable', 'debug', '--rollout', '1', ...options])).code, 2);
  },

  async 'without a database, by the name of the cluster'(t) {
    const clusterName = `cli-${process.pid}`;
    const program = t.spawn('program.mjs');
    await tell(program, 'open', { enableClusterSync: true, clusterName, environment: 'test' });
    const options = ['--cluster', clusterName, '--env', 'test'];
    const change = await result(t, ['enable', 'debug', ...options]);
    assert.deepEqual(change, {
      database: null,
      cluster: clusterName,
      environment: 'test',
      live: true,
      changed: true,
      features: [{ name: 'debug', enabled: true, rollout: 100, changed: true }],
      persisted: false,
      revision: null,
      openIn: null,
    });
    assert.equal(await tell(program, 'isFeatureEnabled', 'debug'), true);
    assert.equal(
      await print(t, ['enable', 'debug', ...options]),
      'debug is on, as before\nrunning programs have it; not persisted\n',
    );
    const status = await result(t, ['status', ...options]);
    assert.deepEqual([status.revision, status.persisted, status.cluster], [null, null, clusterName]);
    assert.ok((await print(t, ['status', ...options])).startsWith(`cluster\t${clusterName}\n`));
  },

  async 'reading does not keep what programs left behind, and makes no live file'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = createProductionConfig({ persistPath, environment: 'production' });
    await config.persist('one');
    await config.close();
    for (const command of ['status', 'get']) await print(t, [command, '--db', persistPath, '--env', 'production']);
    assert.ok(!existsSync(`${persistPath}-live-production`));
  },
});

/** A web server in a process of its own, whose database has one revision with maintenance_mode on. */
async function startServer(t) {
  const persistPath = join(t.tempDir(), 'config.db');
  const server = startProgram('../../examples/maintenance/server.mjs', { args: [persistPath, '0'] });
  t.after(() => server.kill());
  return { server: await server.line(), options: production(persistPath) };
}

async function ask(server) {
  const response = await fetch(server);
  return `${response.status} ${await response.text()}`;
}
