import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { attachConfig, createProductionConfig, DEFAULT_FEATURES } from '13byte-config';
import { collectGarbage } from './children/collect-garbage.mjs';
import { startProcess, startThread, startWebWorker } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

/** The kinds of threads there are here. */
const THREADS = { Worker: startThread, ...(process.versions.bun && { 'web Worker': startWebWorker }) };
const NAMES = ['a', 'b', 'c', 'd'];

export default suite('sharing with threads', {
  'a handle is plain data that says what to attach to'(t) {
    const directory = t.tempDir();
    const privateHandle = open(t).share();
    assert.match(privateHandle.pageId, /^(?!0{16})[0-9a-f]{16}$/);
    checkBuffer(t, privateHandle, 1);
    assert.deepEqual(
      { ...privateHandle, pageId: '', buffer: 0 },
      {
        type: '13byte-config',
        pageId: '',
        environment: 'development',
        features: NAMES,
        enableClusterSync: false,
        readOnly: false,
        debugMode: false,
        buffer: 0,
      },
    );
    const persistPath = join(directory, 'config.db');
    const options = {
      persistPath,
      environment: 'staging',
      features: undefined,
      autoPersist: { debounceMs: 7 },
      enableClusterSync: true,
    };
    const clusterHandle = open(t, options).share();
    checkBuffer(t, clusterHandle, 8);
    assert.deepEqual(
      { ...clusterHandle, pageId: '', buffer: 0 },
      {
        type: '13byte-config',
        pageId: '',
        environment: 'staging',
        features: [...DEFAULT_FEATURES],
        persistPath,
        enableClusterSync: true,
        autoPersistMs: 7,
        readOnly: false,
        debugMode: false,
        buffer: 0,
      },
    );
    const reader = open(t, { ...options, autoPersist: false, readOnly: true }).share();
    assert.equal(reader.readOnly, true);
    assert.equal(reader.pageId, clusterHandle.pageId);
    assert.deepEqual(structuredClone({ ...reader, buffer: undefined }), { ...reader, buffer: undefined });
  },

  'the shared buffer is the page'(t) {
    const config = open(t);
    const { buffer } = config.share();
    assert.equal(buffer, config.sharedBuffer);
    if (buffer === undefined) {
      checkBuffer(t, config.share(), 1);
      return;
    }
    const words = new Int32Array(buffer);
    config.enableFeature('c');
    assert.equal(Atomics.load(words, 2), 0b100);
    Atomics.or(words, 2, 0b1);
    assert.deepEqual(config.getEnabledFeatures(), ['a', 'c']);
  },

  'a config can be attached in its own thread'(t) {
    const config = open(t);
    const twin = attachConfig(config.share());
    twin.enableFeature('b');
    assert.deepEqual(config.getEnabledFeatures(), ['b']);
    assert.deepEqual(twin.getFeatureNames(), NAMES);
    assert.equal(twin.registryHash, config.registryHash);
    assert.equal(twin.share().pageId, config.share().pageId);
    twin.destroy();
    assert.equal(config.disableFeature('b'), true, 'and outlives it');
  },

  ...perThread('threads use the same memory', async (t, start) => {
    for (const options of [
      {},
      { persistPath: join(t.tempDir(), 'config.db') },
      { persistPath: join(t.tempDir(), 'cluster.db'), enableClusterSync: true },
    ]) {
      const config = open(t, options);
      config.update((draft) => {
        draft.enable('a', 'd');
        draft.terminal(1, 50, 120);
      });
      const [first, second] = [peer(t, start()), peer(t, start())];
      for (const thread of [first, second]) {
        assert.equal(await thread.tell('attach', config.share()), config.toHex());
        assert.deepEqual(await thread.tell('getFeatureNames'), NAMES);
        assert.equal(await thread.tell('get', 'environment'), 'development');
      }
      await first.tell('enableFeature', 'b');
      assert.deepEqual(config.getEnabledFeatures(), ['a', 'b', 'd']);
      assert.deepEqual(await second.tell('getEnabledFeatures'), ['a', 'b', 'd']);
      config.disableFeature('a');
      assert.equal(await first.tell('isFeatureEnabled', 'a'), false);
      await second.tell('set', 'rows', 77);
      assert.equal(config.rows, 77);
      assert.equal(await first.tell('get', 'rows'), 77);
      assert.equal((await first.refuse('enableFeature', 'e')).code, 'ERR_UNKNOWN_FEATURE');
    }
  }),

  ...perThread('a thread records who its config records, and times what it times', async (t, start) => {
    const config = open(t, { persistPath: join(t.tempDir(), 'config.db'), actor: 'deploy bot', debugMode: true });
    const thread = peer(t, start());
    await thread.tell('attach', config.share());
    assert.equal((await thread.tell('persist', 'thread')).actor, 'deploy bot');
    const { timings } = await thread.tell('getDebugView');
    assert.equal(timings.persist.calls, 1);
  }),

  ...perThread('threads persist to the same history', async (t, start) => {
    for (const enableClusterSync of [false, true]) {
      const config = open(t, { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync });
      config.enableFeature('a');
      await config.persist('main');
      const thread = peer(t, start());
      await thread.tell('attach', config.share());
      await thread.tell('enableFeature', 'b');
      const entry = await thread.tell('persist', 'thread', { actor: 'a thread' });
      assert.deepEqual([entry.revision, entry.changes, entry.configHex], [2, ['+b'], config.toHex()]);
      assert.equal(config.getDebugView().revision, 2);
      assert.deepEqual((await config.getHistory()).map(({ actor, changeReason }) => [actor, changeReason])[0], [
        'a thread',
        'thread',
      ]);
      await thread.tell('rollback');
      assert.deepEqual(config.getEnabledFeatures(), ['a']);
      config.enableFeature('d');
      assert.equal(await thread.tell('load'), true);
      assert.deepEqual(config.getEnabledFeatures(), ['a']);
      await thread.tell('close');
      assert.equal((await config.persist('main again')).revision, 4);
    }
  }),

  ...perThread('a thread can share on, with threads of its own', async (t, start) => {
    const config = open(t);
    const thread = peer(t, start());
    const handle = config.share();
    await thread.tell('attach', handle);
    // With the handle of the main thread, and with one of the thread's own config.
    assert.deepEqual((await thread.tell('nest', handle, ['enableFeature', 'b'], ['getEnabledFeatures'])).slice(1), [
      true,
      ['b'],
    ]);
    assert.deepEqual(config.getEnabledFeatures(), ['b']);
    await thread.tell('share', ['enableFeature', 'c'], ['share', ['enableFeature', 'd']]);
    assert.deepEqual(config.getEnabledFeatures(), ['b', 'c', 'd']);
    assert.deepEqual(await thread.tell('getEnabledFeatures'), ['b', 'c', 'd']);
  }),

  ...perThread(
    'threads that open the same database and environment share a cluster config without a handle',
    async (t, start) => {
      const options = { persistPath: join(t.tempDir(), 'config.db'), environment: 'same', enableClusterSync: true };
      const config = open(t, options);
      config.enableFeature('c');
      const thread = peer(t, start());
      assert.equal(await thread.tell('open', { ...options, features: ['d', 'a'] }), config.toHex());
      await thread.tell('enableFeature', 'a');
      assert.equal(config.isFeatureEnabled('a'), true);
      assert.equal(await thread.tell('get', 'featureFlags'), config.featureFlags);
    },
  ),

  ...perThread('what a config is goes with the handle', async (t, start) => {
    const persistPath = join(t.tempDir(), 'config.db');
    const writer = open(t, { persistPath, environment: 'eu' });
    await writer.persist();
    const thread = peer(t, start());
    await thread.tell('attach', open(t, { persistPath, environment: 'eu', readOnly: true }).share());
    assert.equal(await thread.tell('get', 'environment'), 'eu');
    assert.equal((await thread.refuse('enableFeature', 'a')).code, 'ERR_READ_ONLY');
    assert.equal((await thread.refuse('persist')).code, 'ERR_READ_ONLY');
    await thread.tell('close');

    const automatic = open(t, { persistPath, environment: 'us', autoPersist: { debounceMs: 0 } });
    await thread.tell('attach', automatic.share());
    await thread.tell('enableFeature', 'b');
    await thread.tell('close');
    assert.deepEqual(
      (await automatic.getHistory()).map(({ changeReason, changes }) => [changeReason, changes]),
      [['auto', ['+b']]],
    );
  }),

  async 'a thread goes on when the config it got is closed'(t) {
    for (const enableClusterSync of [false, true]) {
      const config = open(t, { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync });
      config.enableFeature('a');
      const thread = peer(t, startThread());
      await thread.tell('attach', config.share());
      const handle = await thread.tell('handle');
      await config.close();
      await thread.tell('enableFeature', 'b');
      assert.deepEqual(await thread.tell('getEnabledFeatures'), ['a', 'b']);
      const back = attachConfig(handle);
      assert.deepEqual(back.getEnabledFeatures(), ['a', 'b']);
      assert.equal((await back.persist('back')).revision, 1);
      await back.close();
    }
  },

  async 'a handle on its way keeps the page alive, where the runtime can share it'(t) {
    const config = open(t);
    config.enableFeature('d');
    const handle = config.share();
    const thread = peer(t, startThread());
    await thread.tell('getFeatureNames').catch(() => {});
    await config.close();
    if (handle.buffer) {
      await thread.tell('attach', handle);
      assert.deepEqual(await thread.tell('getEnabledFeatures'), ['d']);
    } else {
      await gone(handle);
      assert.equal((await thread.refuse('attach', handle)).code, 'ERR_STALE_HANDLE');
    }
  },

  async 'the handle of a page that is gone is stale, also when its memory is used again'(t) {
    const handles = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const config = createProductionConfig({ features: NAMES });
        config.featureFlags = index;
        const handle = JSON.parse(JSON.stringify({ ...config.share(), buffer: undefined }));
        await config.close();
        return handle;
      }),
    );
    for (const handle of handles) await gone(handle);
    const next = Array.from({ length: 600 }, () => open(t));
    for (const handle of handles) {
      assert.throws(() => attachConfig(handle), {
        name: 'ConfigError',
        code: 'ERR_STALE_HANDLE',
        message: new RegExp(`^No state page ${handle.pageId} in use: .*share a new handle`),
      });
    }
    const thread = peer(t, startThread());
    for (const handle of handles) assert.equal((await thread.refuse('attach', handle)).code, 'ERR_STALE_HANDLE');
    for (const config of next) assert.equal(config.getDebugView().generation, 0);
  },

  async 'the handle of a private config is of no use in another process'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath });
    config.enableFeature('a');
    await config.persist();
    const process = peer(t, startProcess());
    const { code } = await process.refuse('attach', JSON.parse(JSON.stringify(config.share())));
    assert.equal(code, 'ERR_STALE_HANDLE');
    assert.deepEqual(config.getEnabledFeatures(), ['a']);
    assert.equal((await config.getHistory()).length, 1);
  },

  'a made-up handle is refused by name of what is wrong'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath, enableClusterSync: true });
    config.enableFeature('b');
    const before = config.toHex();
    const handle = config.share();
    const own = open(t).share();
    for (const [made, code, message] of [
      [undefined, 'ERR_INVALID_TYPE', /^Invalid handle: undefined \(must be an object\)/],
      [null, 'ERR_INVALID_TYPE', /^Invalid handle: null/],
      ['13byte-config', 'ERR_INVALID_TYPE', /^Invalid handle: "13byte-config"/],
      [[handle], 'ERR_INVALID_TYPE', /^Invalid handle: an array/],
      [() => handle, 'ERR_INVALID_TYPE', /^Invalid handle: /],
      [{}, 'ERR_INVALID_VALUE', /^Invalid handle: .*\(must come from config\.share\(\)\)/],
      [{ ...handle, type: undefined }, 'ERR_INVALID_VALUE', /must come from config\.share\(\)/],
      [{ ...handle, type: '14byte-config' }, 'ERR_INVALID_VALUE', /must come from config\.share\(\)/],
      [{ ...handle, more: 1 }, 'ERR_UNKNOWN_OPTION', /more/],
      [{ ...handle, pageId: undefined }, 'ERR_INVALID_TYPE', /^Invalid handle\.pageId: undefined/],
      [{ ...handle, pageId: 7 }, 'ERR_INVALID_TYPE', /^Invalid handle\.pageId: 7/],
      [{ ...handle, pageId: '' }, 'ERR_INVALID_VALUE', /^Invalid handle\.pageId: "" \(must be 16 hexadecimal digits\)/],
      [{ ...handle, pageId: handle.pageId.slice(1) }, 'ERR_INVALID_VALUE', /^Invalid handle\.pageId/],
      [{ ...handle, pageId: `+${handle.pageId.slice(1)}` }, 'ERR_INVALID_VALUE', /^Invalid handle\.pageId/],
      [{ ...handle, pageId: `${handle.pageId}\n` }, 'ERR_INVALID_VALUE', /^Invalid handle\.pageId/],
      [{ ...handle, pageId: '0'.repeat(16) }, 'ERR_STALE_HANDLE', /^No state page 0{16} in use/],
      [{ ...handle, pageId: 'f'.repeat(16) }, 'ERR_STALE_HANDLE', /^No state page f{16} in use/],
      [{ ...own, pageId: 'f'.repeat(16) }, 'ERR_STALE_HANDLE', /^No state page/],
      [{ ...handle, pageId: 'f'.repeat(16), environment: 'another' }, 'ERR_STALE_HANDLE', /^No state page/],
      [{ ...handle, environment: '../x' }, 'ERR_INVALID_VALUE', /^Invalid environment/],
      [{ ...handle, environment: 7 }, 'ERR_INVALID_TYPE', /^Invalid environment/],
      [{ ...handle, features: 'abc' }, 'ERR_INVALID_TYPE', /^Invalid features/],
      [{ ...handle, featuresWithoutBit: 'abc' }, 'ERR_INVALID_TYPE', /^Invalid handle\.featuresWithoutBit/],
      [{ ...handle, features: ['a', 'a'] }, 'ERR_DUPLICATE_FEATURE', /^Duplicate feature name: a/],
      [{ ...handle, features: ['a b'] }, 'ERR_INVALID_FEATURE_NAME', /^Invalid feature name/],
      [
        { ...handle, features: Array.from({ length: 257 }, (_, index) => `f${index}`) },
        'ERR_TOO_MANY_FEATURES',
        /f256/,
      ],
      [{ ...handle, persistPath: 7 }, 'ERR_INVALID_TYPE', /^Invalid persistPath/],
      [{ ...handle, persistPath: '' }, 'ERR_INVALID_VALUE', /^Invalid persistPath/],
      [{ ...handle, enableClusterSync: 'yes' }, 'ERR_INVALID_TYPE', /^Invalid enableClusterSync/],
      [{ ...handle, clusterName: 'both' }, 'ERR_INVALID_VALUE', /^Invalid clusterName/],
      [{ ...own, clusterName: 'alone' }, 'ERR_INVALID_VALUE', /^Invalid clusterName/],
      [{ ...handle, autoPersistMs: -1 }, 'ERR_OUT_OF_RANGE', /^Invalid autoPersist\.debounceMs: -1/],
      [{ ...handle, autoPersistMs: 'soon' }, 'ERR_INVALID_TYPE', /^Invalid autoPersist\.debounceMs/],
      [{ ...handle, readOnly: 1 }, 'ERR_INVALID_TYPE', /^Invalid readOnly/],
    ]) {
      assert.throws(
        () => attachConfig(made),
        (error) => {
          assert.equal(error.code, code, `${JSON.stringify(made)}: ${error.message}`);
          assert.match(error.message, message);
          return true;
        },
      );
    }
    assert.equal(config.toHex(), before);
    assert.deepEqual(config.getFeatureNames(), NAMES);
    assert.equal(config.getDebugView().generation, 1);
    const twin = attachConfig(handle);
    assert.equal(twin.toHex(), before, 'and the real one works');
    twin.destroy();
  },

  async 'a handle that lies about where the page is attaches to nothing else'(t) {
    const directory = t.tempDir();
    const config = open(t, { persistPath: join(directory, 'config.db'), enableClusterSync: true });
    const process = peer(t, startProcess());
    const handle = JSON.parse(JSON.stringify({ ...config.share(), buffer: undefined }));
    for (const lie of [
      { pageId: 'f'.repeat(16) },
      { environment: 'another' },
      { persistPath: join(directory, 'another.db') },
      { persistPath: join(directory, 'missing/x.db') },
      { enableClusterSync: false },
    ]) {
      assert.equal(
        (await process.refuse('attach', { ...handle, ...lie })).code,
        'ERR_STALE_HANDLE',
        JSON.stringify(lie),
      );
    }
    assert.equal(existsSync(join(directory, 'another.db')), false, 'a stale handle makes no database');
    assert.equal(await process.tell('attach', handle), config.toHex());
  },

  async 'threads that flip at once lose nothing'(t) {
    const config = open(t);
    const threads = NAMES.map(() => peer(t, startThread()));
    await Promise.all(threads.map((thread) => thread.tell('attach', config.share())));
    const flips = 20_001;
    await Promise.all(threads.map((thread, index) => thread.tell('flip', NAMES[index], flips)));
    assert.deepEqual(config.getEnabledFeatures(), NAMES);
    assert.equal(config.getDebugView().generation, flips * NAMES.length);
    assert.deepEqual(config.validate(), { isValid: true, errors: [] });
  },
});

/** A case for each kind of thread. */
function perThread(what, run) {
  return Object.fromEntries(
    Object.entries(THREADS).map(([kind, start]) => [`${what} (${kind})`, (t) => run(t, start)]),
  );
}

function open(t, options) {
  const config = createProductionConfig({ features: NAMES, ...options });
  t.after(() => config.close());
  return config;
}

function peer(t, started) {
  t.after(() => started.stop());
  return started;
}

function checkBuffer(t, { buffer }, banks) {
  const isOldest = t.runtime.name === 'node' && t.runtime.major === 20;
  assert.equal(buffer instanceof SharedArrayBuffer, !isOldest);
  assert.equal(buffer?.byteLength, isOldest ? undefined : 128 * banks);
}

/** Waits until nobody holds the page any more; its buffers go with the garbage. */
async function gone({ pageId, features }) {
  for (let attempt = 1; attempt < 12; attempt += 1) {
    // Each attempt that succeeds holds the page itself, so they get rarer.
    for (let turn = 0; turn < 5 * attempt; turn += 1) {
      collectGarbage();
      await setImmediate();
    }
    try {
      attachConfig({
        type: '13byte-config',
        pageId,
        environment: 'x',
        features,
        enableClusterSync: false,
        readOnly: false,
        debugMode: false,
      }).destroy();
    } catch (error) {
      assert.equal(error.code, 'ERR_STALE_HANDLE');
      return;
    }
  }
  assert.fail(`The page ${pageId} can still be attached to, although its config is closed`);
}
