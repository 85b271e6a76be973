import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { startProcess } from './children/peers.mjs';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

const SIZE = 18_432;
/** Bytes of the block of a bank. */
const BLOCK = 128;
/** Where the names begin. */
const TABLE = 2048;
const NAMES = ['a', 'b'];

export default suite('hostile live files', {
  ...Object.fromEntries(
    [
      [
        'garbage of its size',
        (path) => writeFileSync(path, Buffer.alloc(SIZE, 0xa5), { mode: 0o600 }),
        /bytes of something else/,
      ],
      ['a text', (path) => writeFileSync(path, 'a letter to a friend', { mode: 0o600 }), /20 bytes of something else/],
      [
        'a larger file that starts as ours',
        (path) => writeFileSync(path, Buffer.concat([Buffer.from('13B\x01'), Buffer.alloc(SIZE)]), { mode: 0o600 }),
        /bytes of something else/,
      ],
      ...onPosix([
        [
          'a file that others may write to',
          (path) => {
            writeFileSync(path, '');
            chmodSync(path, 0o666);
          },
          /others may write to it \(mode 666\)/,
        ],
        [
          'a file that its group may write to',
          (path) => {
            writeFileSync(path, '');
            chmodSync(path, 0o620);
          },
          /others may write to it \(mode 620\)/,
        ],
        ['a link', (path, directory) => symlinkSync(join(directory, 'target'), path), /it is a symbolic link/],
      ]),
    ].map(([what, make, reason]) => [
      `${what} that nobody uses is refused and kept`,
      (t) => {
        const directory = t.tempDir();
        writeFileSync(join(directory, 'target'), '', { mode: 0o600 });
        const options = optionsIn(directory);
        const live = liveFile(options);
        make(live, directory);
        const before = readFileSync(live);
        assert.throws(
          () => createProductionConfig(options),
          (error) => {
            assert.equal(error.name, 'ConfigError');
            assert.equal(error.code, 'ERR_LIVE_FILE_INVALID', error.message);
            assert.match(error.message, reason);
            assert.ok(error.message.includes(live), error.message);
            return true;
          },
        );
        assert.deepEqual(readFileSync(live), before);
        unlinkSync(live);
        // Once it is out of the way, all is well.
        open(t, options).enableFeature('a');
      },
    ]),
  ),

  'a directory in its place is refused'(t) {
    const options = optionsIn(t.tempDir());
    mkdirSync(liveFile(options));
    assert.throws(() => createProductionConfig(options), { name: 'ConfigError', code: 'ERR_LIVE_FILE' });
  },

  ...onPosix({
    'a link to a device in its place is refused'(t) {
      const options = optionsIn(t.tempDir());
      symlinkSync('/dev/null', liveFile(options));
      assert.throws(() => createProductionConfig(options), { code: 'ERR_LIVE_FILE_INVALID' });
    },
  }),

  ...Object.fromEntries(
    [
      ['an empty one', ''],
      ['one that an initializer left half-made', Buffer.alloc(SIZE)],
      ['one cut short', Buffer.from('13B\x01\xff\xff')],
      ['one of a newer format', withFormat(9)],
      ['one with impossible names', withNames()],
    ].map(([what, content]) => [
      `${what} that nobody uses is made anew`,
      (t) => {
        const options = optionsIn(t.tempDir());
        writeFileSync(liveFile(options), content, { mode: 0o600 });
        const config = open(t, options);
        assert.deepEqual(config.getEnabledFeatures(), []);
        assert.deepEqual(config.getFeatureNames(), NAMES);
        assert.equal(config.getDebugView().generation, 0);
        assert.equal(statSync(liveFile(options)).size, SIZE);
        assert.deepEqual(config.validate(), { isValid: true, errors: [] });
      },
    ]),
  ),

  // All at once, since each opener tries for some seconds, in case somebody is at work on the file.
  async 'one in use that is damaged is refused, and those who use it are not disturbed'(t) {
    await Promise.all(
      [
        ['garbage', (file) => write(file, 0, Buffer.alloc(8, 0xa5)), /does not start with the mark/],
        [
          'a newer format',
          (file) => write(file, 24, Buffer.from([9])),
          /format 9, but this version of 13byte-config knows 1 only/,
        ],
        ['no page id', (file) => write(file, 40, Buffer.alloc(8)), /no page id/],
        [
          'no mark of a bank',
          (file) => write(file, 3 * BLOCK, Buffer.alloc(8, 0xa5)),
          /bank 3 does not start with the mark/,
        ],
        [
          'the number of another bank',
          (file) => write(file, 5 * BLOCK + 15, Buffer.from([4])),
          /bank 5 is marked as 0x00000004/,
        ],
        ['impossible names', (file) => write(file, TABLE, Buffer.from([200, 120])), /Invalid feature name/],
        ['a name twice', (file) => write(file, TABLE + 64, Buffer.from([1, 0x61])), /Duplicate feature name: a/],
        ...onPosix([
          ['more than its size', (file) => truncateSync(file, SIZE + 1), /18433 bytes instead of 18432/],
          ['others that may write to it', (file) => chmodSync(file, 0o606), /others may write to it/],
        ]),
      ].map(async ([what, damage, reason]) => {
        const options = optionsIn(t.tempDir());
        const live = liveFile(options);
        const config = open(t, options);
        config.enableFeature('a');
        const attached = peer(t);
        await attached.tell('open', options);
        const whole = readFileSync(live);
        damage(live);

        const other = peer(t);
        const { code, message } = await other.refuse('open', options);
        assert.equal(code, 'ERR_LIVE_FILE_INVALID', what);
        assert.match(message, reason);
        assert.ok(message.includes(live));

        assert.equal(await attached.tell('enableFeature', 'b'), true);
        assert.equal(config.isFeatureEnabled('b'), true);
        config.disableFeature('a');
        assert.equal(await attached.tell('isFeatureEnabled', 'a'), false);

        if (reason.source.includes('others')) chmodSync(live, 0o600);
        if (statSync(live).size !== SIZE) truncateSync(live, SIZE);
        // Everything but the state, which is live.
        for (const [from, to] of [
          [0, 4],
          [24, 28],
          [40, 48],
          [3 * BLOCK, 3 * BLOCK + 8],
          [5 * BLOCK + 12, 5 * BLOCK + 16],
          [TABLE, SIZE],
        ])
          write(live, from, whole.subarray(from, to));
        await other.tell('open', options);
        assert.deepEqual(await other.tell('getEnabledFeatures'), ['b']);
      }),
    );
  },

  ...onPosix({
    async 'one that is removed or replaced while in use leaves those who use it together'(t) {
      const options = optionsIn(t.tempDir());
      const config = open(t, options);
      const attached = peer(t);
      await attached.tell('open', options);
      unlinkSync(liveFile(options));
      config.enableFeature('a');
      assert.equal(await attached.tell('isFeatureEnabled', 'a'), true);
      // Others find no file, so they make one; no process ever has half of each.
      const other = peer(t);
      await other.tell('open', options);
      assert.deepEqual(await other.tell('getEnabledFeatures'), []);
      assert.ok(existsSync(liveFile(options)));
      await attached.tell('disableFeature', 'a');
      assert.equal(config.isFeatureEnabled('a'), false);
    },

    async "another user's file is refused"(t) {
      if (process.getuid() === 0) {
        const options = optionsIn(t.tempDir());
        writeFileSync(liveFile(options), '', { mode: 0o600 });
        chownSync(liveFile(options), 65_534, 65_534);
        assert.throws(
          () => createProductionConfig(options),
          (error) => {
            assert.equal(error.code, 'ERR_LIVE_FILE_PERMISSION');
            assert.match(
              error.message,
              /it belongs to user 65534, and the database to user 0\. .*: chown 0 .*-live-eu$/,
            );
            return true;
          },
        );
        chownSync(liveFile(options), 0, 0);
        open(t, options);
        // And the other way round: somebody who is not root, and root's file and directory.
        const other = peer(t, { env: { XDG_RUNTIME_DIR: t.tempDir() } });
        await other.tell('dropPrivileges');
        const { code } = await other.refuse('open', { enableClusterSync: true, clusterName: 'shop' });
        assert.equal(code, 'ERR_LIVE_FILE');
      } else {
        const other = peer(t, { env: { XDG_RUNTIME_DIR: '/' } });
        assert.equal(
          (await other.refuse('open', { enableClusterSync: true, clusterName: 'shop' })).code,
          'ERR_LIVE_FILE',
        );
      }
    },
  }),

  'names of different configs never lead to one file'(t) {
    const directory = t.tempDir();
    const share = (name, environment) =>
      open(t, { persistPath: join(directory, name), enableClusterSync: true, environment, features: NAMES });
    for (const [name, environment, otherName, otherEnvironment] of [
      ['a.db', 'eu-live-x', 'a.db-live-eu', 'x'],
      ['b', 'live-x', 'b-live', 'x'],
      ['c', 'live-doorbells', 'c-live', 'doorbells'],
    ]) {
      const [one, other] = [share(name, environment), share(otherName, otherEnvironment)];
      one.enableFeature('a');
      assert.deepEqual(
        [one, other].map((config) => config.isFeatureEnabled('a')),
        [true, false],
        name,
      );
    }
    assert.ok(existsSync(join(directory, 'a.db-live-eu~live~x')));
  },

  ...onPosix({
    async "a directory for clusters without a database that is not this user's alone is refused"(t) {
      const runtime = t.tempDir();
      const directory = join(runtime, '13byte-config');
      const options = { enableClusterSync: true, clusterName: 'shop' };
      const other = peer(t, { env: { XDG_RUNTIME_DIR: runtime } });
      for (const mode of [0o777, 0o750, 0o701]) {
        if (!existsSync(directory)) mkdirSync(directory);
        chmodSync(directory, mode);
        const { code, message } = await other.refuse('open', options);
        assert.equal(code, 'ERR_LIVE_FILE_INVALID');
        assert.match(message, /must be this user's alone/);
      }
      chmodSync(directory, 0o700);
      await other.tell('open', options);

      const linked = t.tempDir();
      symlinkSync(directory, join(linked, '13byte-config'));
      const follower = peer(t, { env: { XDG_RUNTIME_DIR: linked } });
      assert.equal((await follower.refuse('open', options)).code, 'ERR_LIVE_FILE_INVALID');
      const lost = peer(t, { env: { XDG_RUNTIME_DIR: join(runtime, 'missing') } });
      assert.equal((await lost.refuse('open', options)).code, 'ERR_LIVE_FILE');
    },
  }),

  'a live file that cannot be used can degrade'(t) {
    const options = optionsIn(t.tempDir());
    writeFileSync(liveFile(options), 'a letter to a friend', { mode: 0o600 });
    const config = open(t, { ...options, onStoreError: 'degrade' });
    config.enableFeature('a');
    const { store } = config.getDebugView();
    assert.deepEqual([store.status, store.error.code], ['degraded', 'ERR_LIVE_FILE_INVALID']);
    assert.equal(config.validate().isValid, false);
  },
});

function optionsIn(directory) {
  return { persistPath: join(directory, 'config.db'), enableClusterSync: true, environment: 'eu', features: NAMES };
}

function liveFile({ persistPath }) {
  return `${persistPath}-live-eu`;
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}

function peer(t, options) {
  const started = startProcess(options);
  t.after(() => started.stop());
  return started;
}

function write(path, offset, bytes) {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, offset);
  closeSync(file);
}

function withFormat(format) {
  const bytes = Buffer.alloc(SIZE);
  bytes.write('13B\x01');
  bytes.writeUInt32LE(format, 24);
  bytes.fill(0xff, 8, 16);
  return bytes;
}

function withNames() {
  const bytes = withFormat(1);
  bytes.fill(0xff, TABLE);
  return bytes;
}
