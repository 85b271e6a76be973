import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { startProcess } from './children/peers.mjs';
import { failure, production, run, start } from './harness/command-line.mjs';
import { suite } from './harness/suite.mjs';

/** The user whom a peer becomes by dropPrivileges. */
const SERVICE = 65_534;
const GROUP = 3_000;
const as = (user, group, ...more) => ['setpriv', `--reuid=${user}`, `--regid=${group}`, '--clear-groups', ...more];
const COLLEAGUE = as(2_002, GROUP);

// Only root can be several users.
export default process.getuid?.() !== 0
  ? suite('other users', {})
  : suite('other users', {
      async 'what root makes belongs to the owner of the database'(t) {
        const persistPath = await databaseOf(t, { mode: 0o640 });
        const live = `${persistPath}-live-production`;
        assert.equal((await run(t, ['enable', 'debug', ...production(persistPath)])).code, 0);
        assert.deepEqual(ownerOf(live), [SERVICE, SERVICE, 0o600]);
        const service = await serviceOf(t, persistPath);
        assert.equal(await service.tell('isFeatureEnabled', 'debug'), true);
        await service.tell('persist', 'by the service');
        for (const suffix of ['-wal', '-shm'])
          assert.deepEqual(ownerOf(persistPath + suffix), [SERVICE, SERVICE, 0o640]);
        // Root shares the state of the running service.
        assert.equal((await run(t, ['disable', 'debug', ...production(persistPath)])).code, 0);
        assert.equal(await service.tell('isFeatureEnabled', 'debug'), false);
        await service.finish();
        assert.deepEqual(foreignFiles(persistPath), []);

        const copy = join(persistPath, '..', 'copy.db');
        assert.equal((await run(t, ['backup', copy, ...production(persistPath)])).code, 0);
        assert.deepEqual(ownerOf(copy), [SERVICE, SERVICE, 0o640]);
      },

      async 'watch of root leaves nothing of root'(t) {
        const persistPath = await databaseOf(t);
        const watch = start(t, ['watch', '--json', ...production(persistPath)]);
        await once(watch.stdout, 'data');
        const service = await serviceOf(t, persistPath);
        await service.tell('listen');
        // Before the change, of which it may hear first.
        const change = once(watch.stdout, 'data');
        await service.tell('enableFeature', 'debug');
        await change;
        watch.kill('SIGTERM');
        await once(watch, 'close');
        assert.deepEqual(foreignFiles(persistPath), []);
      },

      async "root's live file from before is given to the owner of the database"(t) {
        const persistPath = await databaseOf(t);
        const live = `${persistPath}-live-production`;
        writeFileSync(live, '', { mode: 0o600 });
        const service = peerOf(t);
        await service.tell('dropPrivileges');
        const { code, message } = await service.refuse('open', options(persistPath));
        assert.equal(code, 'ERR_LIVE_FILE_PERMISSION');
        assert.ok(message.endsWith(`: chown ${SERVICE} ${live}`), message);
        const { code: found, stdout } = await run(t, ['doctor', ...production(persistPath)], {
          through: as(SERVICE, SERVICE),
        });
        assert.equal(found, 4);
        assert.match(
          stdout,
          new RegExp(
            `failed\\tlive-file-permissions\\t.*${live}: it belongs to user 0, and the database to user ${SERVICE}`,
          ),
        );
        assert.equal((await run(t, ['enable', 'debug', ...production(persistPath)])).code, 0);
        assert.equal(statSync(live).uid, SERVICE);
        await service.tell('open', options(persistPath));
      },

      async 'root without capabilities makes nothing that locks the owner out'(t) {
        const persistPath = await databaseOf(t, { directoryMode: 0o777, mode: 0o666 });
        const through = ['setpriv', '--bounding-set=-chown', '--inh-caps=-chown'];
        const { message } = await failure(t, 1, ['enable', 'debug', ...production(persistPath)], { through });
        assert.match(message, new RegExp(`cannot be made for user ${SERVICE}.* Run this as user ${SERVICE}`));
        assert.deepEqual(readdirSync(join(persistPath, '..')), ['config.db']);
        assert.equal((await run(t, ['get', 'debug', ...production(persistPath)], { through })).stdout, 'off\n');
      },

      async 'a colleague who reads leaves nothing'(t) {
        for (const mode of [0o644, 0o664]) {
          const persistPath = await databaseOf(t, { mode, group: GROUP, directoryMode: 0o2775 });
          await everyReadingCommand(t, persistPath, '');
          assert.deepEqual(readdirSync(join(persistPath, '..')), ['config.db'], mode.toString(8));
          const service = await serviceOf(t, persistPath);
          await service.tell('enableFeature', 'debug');
          assert.equal((await service.tell('persist', 'after a look')).changeReason, 'after a look');
          await service.tell('disableFeature', 'debug');
          // The live state is the service's alone, so what is persisted is read, and told of.
          await everyReadingCommand(t, persistPath, /live file .* belongs to user 65534.* This is what is persisted/);
          assert.equal(
            (await run(t, ['get', 'debug', ...production(persistPath)], { through: COLLEAGUE })).stdout,
            'on\n',
          );
          await service.tell('persist', 'again');
          assert.deepEqual(foreignFiles(persistPath), []);
          const { code, message } = await failure(t, 1, ['enable', 'debug', ...production(persistPath)], {
            through: COLLEAGUE,
          });
          assert.equal(code, mode === 0o644 ? 'ERR_STORE_PERMISSION' : 'ERR_LIVE_FILE_PERMISSION');
          assert.match(message, /[Rr]un this as user 65534/);
          await service.finish();
        }
      },

      async 'a colleague makes no live file for a change'(t) {
        const persistPath = await databaseOf(t, { mode: 0o664, group: GROUP, directoryMode: 0o2775 });
        for (const args of [['enable', 'debug'], ['watch']]) {
          const { code, message } = await failure(t, 1, [...args, ...production(persistPath)], { through: COLLEAGUE });
          assert.equal(code, 'ERR_LIVE_FILE_PERMISSION');
          assert.match(message, /belongs to user 65534, .* run this as user 65534$/);
        }
        assert.deepEqual(readdirSync(join(persistPath, '..')), ['config.db']);
      },

      async 'a file of another user beside the database is named'(t) {
        const persistPath = await databaseOf(t);
        const before = await serviceOf(t, persistPath, {});
        await before.tell('persist', 'first');
        await before.kill();
        for (const suffix of ['-wal', '-shm']) chownSync(persistPath + suffix, 2_002, 2_002);
        const service = await serviceOf(t, persistPath, { enableClusterSync: false, onStoreError: 'degrade' });
        const { status } = await service.tell('healthCheck');
        assert.notEqual(status, 'ok');
        const { store } = await service.tell('getDebugView');
        const message = store.error?.message ?? (await service.refuse('persist')).message;
        assert.match(message, /config\.db-wal belongs to user 2002 .* chown 65534:65534 .*-wal$/);
        const { code, stdout } = await run(t, ['doctor', ...production(persistPath)], {
          through: as(SERVICE, SERVICE),
        });
        assert.equal(code, 4);
        for (const suffix of ['wal', 'shm'])
          assert.match(stdout, new RegExp(`failed\\tdatabase-${suffix}\\t.* belongs to user 2002 `));
      },
    });

/** A closed database with one revision, which belongs to the service, in a directory of its own. */
async function databaseOf(t, { mode = 0o644, group = SERVICE, directoryMode = 0o755 } = {}) {
  const above = t.tempDir();
  chmodSync(above, 0o755);
  const directory = join(above, 'data');
  mkdirSync(directory);
  const persistPath = join(directory, 'config.db');
  const config = createProductionConfig({ persistPath, environment: 'production' });
  await config.persist('first');
  await config.close();
  for (const path of [directory, persistPath]) chownSync(path, SERVICE, group);
  chmodSync(persistPath, mode);
  chmodSync(directory, directoryMode);
  return persistPath;
}

function options(persistPath) {
  return { persistPath, environment: 'production', enableClusterSync: true };
}

async function serviceOf(t, persistPath, more = {}) {
  const service = peerOf(t);
  await service.tell('dropPrivileges');
  await service.tell('open', { ...options(persistPath), ...more });
  return service;
}

function peerOf(t) {
  const peer = startProcess();
  t.after(() => peer.kill());
  return peer;
}

/** @param {string | RegExp} note what stderr has */
async function everyReadingCommand(t, persistPath, note) {
  for (const args of [['status'], ['get', 'debug'], ['history'], ['export'], ['diff', '1']]) {
    const { code, stderr } = await run(t, [...args, ...production(persistPath)], { through: COLLEAGUE });
    assert.equal(code, 0, stderr);
    if (note === '') assert.equal(stderr, '', args[0]);
    else assert.match(stderr, note, args[0]);
  }
}

function ownerOf(path) {
  const { uid, gid, mode } = statSync(path);
  return [uid, gid, mode & 0o777];
}

/** What lies beside the database and does not belong to its owner. */
function foreignFiles(persistPath) {
  const directory = join(persistPath, '..');
  const names = readdirSync(directory, { recursive: true }).map(String);
  return names.filter((name) => existsSync(join(directory, name)) && statSync(join(directory, name)).uid !== SERVICE);
}
