// Databases in containers: what is mounted, and what is found beside it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { database, failure, print, production, result } from './harness/command-line.mjs';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

export default suite('mounts and links', {
  ...onPosix({
    async 'a database file that is mounted alone is refused'(t) {
      const host = await database(t);
      const app = t.tempDir();
      const mounted = join(app, 'config.db');
      const through = afterMounts(`touch ${mounted} && mount --bind ${host} ${mounted}`);
      if (!through) return;
      const before = readFileSync(host);
      // A link to it is the same.
      const link = join(t.tempDir(), 'link.db');
      symlinkSync(mounted, link);
      for (const [path, args] of [
        [mounted, ['history']],
        [mounted, ['enable', 'debug']],
        [link, ['verify']],
      ]) {
        const error = await failure(t, 1, [...args, ...production(path)], { through });
        assert.equal(error.code, 'ERR_STORE_MOUNTED_ALONE');
        assert.match(
          error.message,
          /config\.db is mounted alone.* Mount the directory that holds the database instead$/,
        );
      }
      const { checks } = await result(t, ['doctor', ...production(mounted)], { through, code: 4 });
      const { status, message } = checks.find(({ name }) => name === 'open');
      assert.equal(status, 'failed');
      assert.match(message, /\(ERR_STORE_MOUNTED_ALONE\)$/);
      assert.ok(readFileSync(host).equals(before));
    },

    async 'a directory that is mounted, an overlay and links work'(t) {
      const host = await database(t);
      const app = t.tempDir();
      for (const name of ['bound', 'image', 'layer', 'over']) mkdirSync(join(app, name));
      const [bound, image, layer, over] = ['bound', 'image', 'layer', 'over'].map((name) => join(app, name));
      // File systems of their own, so that files and directories of the overlay have other devices.
      const overlay = [
        `mount -t tmpfs none ${image}`,
        `cp ${host} ${image}`,
        `mount -t tmpfs none ${layer}`,
        `mkdir ${layer}/upper ${layer}/work`,
        `mount -t overlay overlay -o lowerdir=${image},upperdir=${layer}/upper,workdir=${layer}/work ${over}`,
      ];
      for (const [mount, path] of [
        [`mount --bind ${dirname(host)} ${bound}`, join(bound, 'config.db')],
        [`mount --bind ${dirname(host)} ${bound} && ln -sf ${bound}/config.db ${app}/link.db`, join(app, 'link.db')],
        [overlay.join(' && '), join(over, 'config.db')],
      ]) {
        const through = afterMounts(mount);
        if (!through) return;
        // In one namespace: what is written on the overlay goes with it.
        const script = [
          ...through,
          'sh',
          '-c',
          `"$@" enable debug --db ${path} --env production && "$@" history --db ${path} --env production`,
          'sh',
        ];
        const printed = await print(t, [], { through: script });
        assert.match(printed, /enable debug/, mount);
        const [command, ...args] = [...through, process.execPath, ...EVALUATE, TWO_CONFIGS, path];
        const { status, stdout, stderr } = spawnSync(command, args, { cwd: import.meta.dirname, encoding: 'utf8' });
        assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'two,one 1 ok\n', stderr: '' });
      }
    },
  }),

  async 'a second name is refused, and named by health when it comes later'(t) {
    const persistPath = await database(t);
    const second = join(t.tempDir(), 'second.db');
    linkSync(persistPath, second);
    for (const path of [persistPath, second]) {
      for (const options of [{}, { readOnly: true }, { enableClusterSync: true }]) {
        assert.throws(() => createProductionConfig({ persistPath: path, ...options }), {
          code: 'ERR_STORE_HARD_LINK',
          message: /has 2 names \(hard links\)/,
        });
      }
      const error = await failure(t, 1, ['get', 'debug', ...production(path)]);
      assert.equal(error.code, 'ERR_STORE_HARD_LINK');
    }
    const { checks } = await result(t, ['doctor', ...production(second)], { code: 4 });
    assert.match(checks.find(({ name }) => name === 'open').message, /\(ERR_STORE_HARD_LINK\)$/);
    rmSync(second);

    const config = createProductionConfig({ persistPath, environment: 'production' });
    t.after(() => config.close());
    linkSync(persistPath, second);
    await config.persist('goes on');
    const health = await config.healthCheck();
    assert.equal(health.status, 'failed');
    assert.match(health.checks.find(({ name }) => name === 'database-files').message, /has 2 names/);
  },

  ...onPosix({
    async 'a second name that is removed again is no problem any more'(t) {
      const persistPath = await database(t);
      const second = join(t.tempDir(), 'second.db');
      const config = createProductionConfig({ persistPath, environment: 'production' });
      t.after(() => config.close());
      await config.persist('creates the file');
      linkSync(persistPath, second);
      assert.equal((await config.healthCheck()).status, 'failed');
      rmSync(second);
      assert.equal((await config.healthCheck()).status, 'ok');
    },
  }),
});

const EVALUATE = process.versions.bun ? ['-e'] : ['--input-type=module', '-e'];

/** Two configs of a process share one connection. */
const TWO_CONFIGS = `
import { readdirSync, readlinkSync } from 'node:fs';
import { createProductionConfig } from '13byte-config';
const open = () => createProductionConfig({ persistPath: process.argv.at(-1), environment: 'production' });
const [first, second] = [open(), open()];
await first.persist('one');
await second.persist('two');
const links = readdirSync('/proc/self/fd').map((name) => {
  try {
    return readlinkSync('/proc/self/fd/' + name);
  } catch {
    return '';
  }
});
const reasons = (await first.getHistory(2)).map(({ changeReason }) => changeReason);
console.log(String(reasons), links.filter((target) => target.endsWith('.db-wal')).length, (await second.healthCheck()).status);
await first.close();
await second.close();
`;

/** Runs a program where this has been mounted; nothing where that is not possible. */
function afterMounts(script) {
  const namespace = ['unshare', ...(process.getuid() === 0 ? ['-m'] : ['-rm'])];
  const [command, ...args] = [...namespace, 'true'];
  if (spawnSync(command, args).status !== 0) return undefined;
  return [...namespace, 'sh', '-c', `${script} && exec "$0" "$@"`];
}
