// Changes that running programs see at once.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { startProgram } from './children/peers.mjs';
import { tell } from './children/tell.mjs';
import { conforming, failure, print, production, result, run } from './harness/command-line.mjs';
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

  async 'a change that cannot be persisted is live all the same, and both are said'(t) {
    const { server, options } = await startServer(t);
    // No file may grow in it, so the log of the database cannot.
    const through = ['sh', '-c', 'ulimit -S -f 0 && trap \'\' XFSZ && exec "$0" "$@"'];
    const disable = ['disable', 'maintenance_mode', ...options, '--json'];
    const { code, stdout, stderr } = await run(t, disable, { through });
    assert.deepEqual([code, stdout], [6, ''], stderr);
    const { error } = conforming('error', stderr);
    assert.deepEqual([error.code, error.applied], ['ERR_DISK_FULL', true]);
    assert.ok(
      error.message.startsWith('The change is live, but it was not persisted: No space left for '),
      error.message,
    );
    assert.equal(await ask(server), '200 hello');
    const again = await run(t, ['enable', 'maintenance_mode', ...options], { through });
    assert.ok(again.stderr.startsWith('13byte-config: The change is live, but it was not persisted: '), again.stderr);
    assert.equal(again.code, 6);
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
