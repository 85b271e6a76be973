import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DEFAULT_FEATURES, attachConfig, createProductionConfig } from '13byte-config';
import { holdLock } from './children/locked.mjs';
import { startProcess, startThread } from './children/peers.mjs';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
/** The text must escape it. On Windows a path has backslashes in any case, and a name must not have quotes. */
const NAME_TO_ESCAPE = process.platform === 'win32' ? 'config.db' : 'with "quotes".db';
const NOTHING = { count: 0, meanMs: null, p50Ms: null, p99Ms: null, maxMs: null };

export default suite('metrics', {
  'a new config has done nothing'(t) {
    const began = performance.now();
    const config = open(t, { environment: 'staging', features: ['a', 'b'] });
    config.enableFeature('b');
    config.setRollout('b', 12.34);
    const { uptimeMs, ...metrics } = config.getMetrics();
    assert.ok(uptimeMs >= 0 && uptimeMs <= performance.now() - began, `${uptimeMs} ms`);
    assert.deepEqual(metrics, {
      environment: 'staging',
      generation: 2,
      revision: null,
      features: { a: { enabled: false, rollout: 100 }, b: { enabled: true, rollout: 12.34 } },
      writes: 2,
      changes: { local: 0, foreign: 0 },
      listeners: 0,
      listenerLag: NOTHING,
      storeStatus: 'none',
      store: null,
    });
  },

  'writes are those that changed something, through this config'(t) {
    const config = open(t, {});
    const twin = attachConfig(config.share());
    t.after(() => twin.close());
    const writes = (edit) => {
      const before = config.getMetrics().writes;
      edit();
      return config.getMetrics().writes - before;
    };
    const effective = [
      () => config.enableFeature('debug'),
      () => config.disableFeature('debug'),
      () => config.setFeature('debug', true),
      () => config.toggleFeature('debug'),
      () => config.feature('debug').enable(),
      () => config.setRollout('debug', 50),
      () => config.update((draft) => draft.enable('verbose', 'metrics')),
      () => config.setTerminalSettings(1, 2, 3),
      () => {
        config.rows = 7;
      },
      () => {
        config.featureFlags = 0;
      },
      () => {
        config.registryHash = 5;
      },
      () => config.updateFromBuffer(new Uint8Array(13)),
    ];
    for (const edit of effective) assert.equal(writes(edit), 1, `${edit}`);
    for (const edit of [
      () => config.disableFeature('debug'),
      () => config.setFeature('debug', false),
      () => config.setRollout('debug', 50),
      () => config.update(() => {}),
      () => config.updateFromBuffer(new Uint8Array(13)),
      () => config.isFeatureEnabled('debug'),
      () => twin.enableFeature('debug'),
    ])
      assert.equal(writes(edit), 0, `${edit}`);
    assert.equal(twin.getMetrics().writes, 1);
    assert.equal(config.getMetrics().generation, effective.length + 1);
    const reader = attachConfig({ ...config.share(), readOnly: true });
    t.after(() => reader.close());
    assert.throws(() => reader.enableFeature('debug'), { code: 'ERR_READ_ONLY' });
    assert.equal(reader.getMetrics().writes, 0);
  },

  async 'persists and the transactions they share are measured'(t) {
    const { config } = openStore(t);
    const before = config.getMetrics().store;
    assert.deepEqual(before.persists, { ok: 0, failed: 0, refused: 0, latency: NOTHING });
    assert.deepEqual(before.commits, {
      count: 0,
      revisions: 0,
      revisionsP50: null,
      revisionsMax: null,
      latency: NOTHING,
    });
    assert.deepEqual([before.errors, before.pending, before.reopenings], [{}, 0, 0]);

    const began = performance.now();
    await Promise.all([1, 2, 3, 4, 5].map((number) => config.persist(`number ${number}`)));
    const tookMs = performance.now() - began;
    const { store, revision } = config.getMetrics();
    assert.equal(revision, 5);
    assert.deepEqual([store.persists.ok, store.persists.failed, store.pending], [5, 0, 0]);
    assert.deepEqual(
      { ...store.commits, latency: 0 },
      { count: 1, revisions: 5, revisionsP50: 5, revisionsMax: 5, latency: 0 },
    );
    checkLatency(store.persists.latency, 5, tookMs);
    checkLatency(store.commits.latency, 1, tookMs);
    assert.ok(store.commits.latency.maxMs <= store.persists.latency.maxMs, 'a persist waits for its transaction');

    await config.persist('alone');
    await config.rollback();
    const after = config.getMetrics().store;
    assert.deepEqual(
      { ...after.commits, latency: 0 },
      { count: 3, revisions: 7, revisionsP50: 1, revisionsMax: 5, latency: 0 },
    );
    assert.equal(after.persists.ok, 6, 'a rollback is no persist');
  },

  async 'failures are counted by code, and refusals are none'(t) {
    const { config } = openStore(t);
    await config.persist();
    await assert.rejects(config.persist('late', { ifRevision: 7 }), { code: 'ERR_REVISION_CONFLICT' });
    await assert.rejects(config.persist('later', { ifRevision: 7 }), { code: 'ERR_REVISION_CONFLICT' });
    await assert.rejects(config.diff(1, 99), { code: 'ERR_REVISION_NOT_FOUND' });
    await assert.rejects(config.rollback(99), { code: 'ERR_REVISION_NOT_FOUND' });
    const before = config.getMetrics().store;
    assert.deepEqual(
      { ...before.persists, latency: before.persists.latency.count },
      { ok: 1, failed: 0, refused: 2, latency: 1 },
    );
    assert.deepEqual(before.errors, {});
    assert.equal(before.commits.count, 1, 'what wrote nothing is none');
    const { status, checks } = await config.healthCheck();
    assert.deepEqual([status, checks.filter((check) => check.status !== 'ok')], ['ok', []]);

    config.updateFromBuffer(Buffer.from('01785634120000008002185000', 'hex'));
    await assert.rejects(config.persist('no feature owns bit 31'), { code: 'ERR_INVALID_STATE' });
    const { persists, errors } = config.getMetrics().store;
    assert.deepEqual([persists.ok, persists.failed, persists.refused], [1, 1, 2]);
    assert.deepEqual(errors, { ERR_INVALID_STATE: 1 });
    assert.match(
      (await config.healthCheck()).checks.find(({ name }) => name === 'last-persist').message,
      /failed at .* ERR_INVALID_STATE/,
    );
  },

  async 'the store is that of the process, and persists are those of the environment'(t) {
    const { config, options } = openStore(t);
    const other = open(t, { ...options, environment: 'other' });
    const twin = open(t, options);
    const thread = startThread();
    t.after(() => thread.stop());
    await thread.tell('open', options);
    await config.persist();
    await twin.persist();
    await other.persist();
    await thread.tell('persist');
    for (const metrics of [config, twin].map((each) => each.getMetrics()).concat(await thread.tell('getMetrics'))) {
      assert.equal(metrics.store.persists.ok, 3);
      assert.equal(metrics.store.commits.count, 4);
    }
    assert.equal(other.getMetrics().store.persists.ok, 1);
    const process = startProcess();
    t.after(() => process.stop());
    await process.tell('open', options);
    assert.equal((await process.tell('getMetrics')).store.persists.ok, 0);
  },

  async 'what waits for a lock is pending'(t) {
    const { config, options } = openStore(t);
    await config.persist();
    const lock = await holdLock(t, 'write', options.persistPath);
    const persist = config.persist('has to wait');
    assert.equal(config.getMetrics().store.pending, 1);
    const since = performance.now();
    // So that the wait is long enough to be told from a persist that did not have to.
    while (performance.now() - since < 20) assert.equal(config.getMetrics().store.pending, 1);
    await lock.release();
    await persist;
    const { pending, persists, commits } = config.getMetrics().store;
    assert.equal(pending, 0);
    assert.ok(persists.latency.maxMs >= 20, JSON.stringify(persists));
    assert.ok(commits.latency.maxMs <= persists.latency.maxMs, JSON.stringify(commits));
  },

  async 'sizes are those of the files, and openings are counted'(t) {
    const { config: maker, options } = openStore(t);
    await maker.close();
    const reader = open(t, { ...options, readOnly: true });
    assert.equal(reader.getMetrics().store.reopenings, 0);
    const writer = open(t, options);
    const before = reader.getMetrics().store;
    assert.equal(before.reopenings, 1, 'for the first that writes');
    for (let round = 0; round < 10; round += 1) await writer.persist(`round ${round}`);
    const after = reader.getMetrics().store;
    assert.equal(after.databaseBytes, statSync(options.persistPath).size);
    assert.equal(after.walBytes, statSync(`${options.persistPath}-wal`).size);
    assert.ok(after.walBytes > before.walBytes, `${before.walBytes} to ${after.walBytes} bytes`);
    assert.ok(after.freeBytes > 0);
  },

  async 'own and foreign changes are counted as they are delivered'(t) {
    const config = open(t, {});
    config.enableFeature('debug');
    assert.deepEqual(config.getMetrics().changes, { local: 0, foreign: 0 });
    const thread = startThread();
    t.after(() => thread.stop());
    await thread.tell('attach', config.share());
    const heard = listen(config);
    const rounds = 20;
    let longestMs = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const began = performance.now();
      const change = heard.next();
      await thread.tell('toggleFeature', 'metrics');
      await change;
      longestMs = Math.max(longestMs, performance.now() - began);
    }
    const { changes, listenerLag, listeners, writes } = config.getMetrics();
    assert.deepEqual([changes, listeners, writes], [{ local: 0, foreign: rounds }, 1, 1]);
    checkLatency(listenerLag, rounds, longestMs);
    const own = heard.next();
    config.disableFeature('debug');
    await own;
    assert.deepEqual(config.getMetrics().changes, { local: 1, foreign: rounds });
  },

  async 'a listener that is held up is behind by that'(t) {
    const config = open(t, {});
    const heard = listen(config);
    const began = performance.now();
    const change = heard.next();
    config.enableFeature('debug');
    const changed = performance.now();
    while (performance.now() - changed < 15) config.toggleFeature('verbose');
    await change;
    const { listenerLag, changes } = config.getMetrics();
    checkLatency(listenerLag, 1, performance.now() - began);
    assert.ok(listenerLag.maxMs >= 15, JSON.stringify(listenerLag));
    assert.deepEqual(changes, { local: 1, foreign: 0 });
    // It stays when nobody listens any more, and goes on with the next who does.
    config.removeAllListeners();
    const again = listen(config).next();
    config.disableFeature('debug');
    await again;
    assert.equal(config.getMetrics().listenerLag.count, 2);
  },

  async 'the lag of other processes is measured from their change'(t) {
    const { config, doorbells } = openLive(t);
    const heard = listen(config);
    while (ready(doorbells).length < 1) await turn();
    const peer = startProcess();
    t.after(() => peer.stop());
    await peer.tell('attach', JSON.parse(JSON.stringify({ ...config.share(), buffer: undefined })));
    const rounds = 5;
    let longestMs = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const began = performance.now();
      const change = heard.next();
      const told = peer.tell('toggleFeature', 'b');
      // The ring may come before the answer of the peer, or after; either way it came since.
      if (round === rounds) {
        const since = performance.now();
        while (performance.now() - since < 30) Atomics.load(new Int32Array(new SharedArrayBuffer(4)), 0);
      }
      await Promise.all([change, told]);
      longestMs = Math.max(longestMs, performance.now() - began);
    }
    const { changes, listenerLag } = config.getMetrics();
    assert.deepEqual(changes, { local: 0, foreign: rounds });
    checkLatency(listenerLag, rounds, longestMs);
    assert.ok(listenerLag.p50Ms < longestMs);
  },

  ...onPosix({
    async 'whatever comes over a doorbell is no more than a ring'(t) {
      const { config, doorbells } = openLive(t);
      listen(config);
      while (ready(doorbells).length < 1) await turn();
      const [name] = ready(doorbells);
      const caller = connect({ path: join(doorbells, name) });
      t.after(() => caller.destroy());
      await once(caller, 'connect');
      const hostile = [
        Buffer.of(1),
        Buffer.alloc(7, 0xff),
        moment(2n ** 64n - 1n),
        moment(2n ** 63n),
        Buffer.alloc(4096, 0xff),
        Buffer.alloc(13),
      ];
      for (const bytes of hostile) {
        // Without an announcement, so that it is the ring that makes the listener look.
        const heard = listen(config).next();
        const words = config.sharedBuffer && new Int32Array(config.sharedBuffer);
        if (words) Atomics.xor(words, 2, 1);
        else config.toggleFeature('a');
        caller.write(bytes);
        await heard;
      }
      const { listenerLag } = config.getMetrics();
      // Node 20 cannot share the page: there the config has made the changes itself.
      assert.ok(listenerLag.count <= (config.sharedBuffer ? 0 : hostile.length), JSON.stringify(listenerLag));
    },
  }),

  'configs without their store are measured all the same'(t) {
    const garbage = join(t.tempDir(), 'garbage.db');
    writeFileSync(garbage, 'no database at all');
    const config = open(t, { persistPath: garbage, onStoreError: 'degrade' });
    const { store, storeStatus } = config.getMetrics();
    assert.deepEqual([store, storeStatus], [null, 'degraded']);
    const samples = read(config);
    assert.equal(samples.get('config13byte_store_degraded{environment="development"}'), 1);
    assert.equal(samples.get('config13byte_writes_total{environment="development"}'), 0);
    assert.ok([...samples.keys()].every((name) => !name.includes('database')));
    assert.equal(read(open(t, {})).get('config13byte_store_degraded{environment="development"}'), undefined);
  },

  'reads are counted with debugMode only'(t) {
    const config = open(t, { debugMode: true });
    for (let call = 0; call < 3; call += 1) config.isFeatureEnabled('debug');
    const { timings } = config.getMetrics();
    const { calls, totalNs, minNs, maxNs } = timings.isFeatureEnabled;
    assert.equal(calls, 3);
    assert.ok(totalNs >= minNs + maxNs && totalNs <= 3 * maxNs, JSON.stringify(timings));
    const samples = read(config);
    assert.equal(
      samples.get('config13byte_operations_total{environment="development",operation="isFeatureEnabled"}'),
      3,
    );
    assert.equal(
      samples.get('config13byte_operation_seconds_total{environment="development",operation="isFeatureEnabled"}'),
      totalNs / 1e9,
    );
    const plain = open(t, {});
    plain.isFeatureEnabled('debug');
    assert.equal('timings' in plain.getMetrics(), false);
    assert.ok(!plain.metricsText().includes('operation'));
  },

  async 'the text says the same'(t) {
    const { config, options } = openStore(t, { environment: 'eu.1', features: ['a', 'b'] }, NAME_TO_ESCAPE);
    const heard = listen(config).next();
    config.enableFeature('a');
    config.setRollout('b', 0.01);
    await heard;
    await Promise.all([config.persist(), config.persist(), config.persist('no', { ifRevision: 9 }).catch(() => {})]);
    await assert.rejects(config.backup(join(t.tempDir(), 'missing', 'backup.db')), { code: 'ERR_BACKUP' });
    const samples = read(config);
    const { listenerLag, store, uptimeMs, ...metrics } = config.getMetrics();
    const value = (name, labels) => samples.get(`config13byte_${name}{${labels}}`);
    const own = 'environment="eu.1"';
    const file = `database="${options.persistPath.replaceAll(/["\\]/g, '\\$&')}"`;
    const both = `${file},${own}`;
    assert.equal(value('build_info', `${own},version="${version}"`), 1);
    assert.ok(value('uptime_seconds', own) > 0 && value('uptime_seconds', own) <= uptimeMs / 1000);
    assert.deepEqual(
      ['generation', 'revision', 'writes_total', 'listeners', 'store_degraded'].map((name) => value(name, own)),
      [metrics.generation, 2, 2, 1, 0],
    );
    assert.deepEqual(
      ['local', 'foreign'].map((origin) => value('changes_total', `${own},origin="${origin}"`)),
      [1, 0],
    );
    assert.deepEqual(
      ['a', 'b'].map((name) => value('feature_enabled', `${own},feature="${name}"`)),
      [1, 0],
    );
    assert.deepEqual(
      ['a', 'b'].map((name) => value('feature_rollout_ratio', `${own},feature="${name}"`)),
      [1, 0.0001],
    );
    assert.equal(value('listener_lag_seconds_count', own), listenerLag.count);
    assert.ok(
      Math.abs(value('listener_lag_seconds_sum', own) - (listenerLag.meanMs * listenerLag.count) / 1000) < 1e-9,
    );
    assert.deepEqual(
      ['ok', 'failed', 'refused'].map((outcome) => value('persists_total', `${both},outcome="${outcome}"`)),
      [2, 0, 1],
    );
    assert.equal(value('persist_duration_seconds_count', both), 2);
    assert.equal(value('persist_duration_seconds_bucket', `le="+Inf",${both}`), 2);
    assert.equal(value('commit_revisions_bucket', `le="1.0",${file}`), 0);
    assert.equal(value('commit_revisions_bucket', `le="2.0",${file}`), 1);
    assert.equal(value('commit_duration_seconds_count', file), 1);
    assert.equal(value('store_errors_total', `code="ERR_BACKUP",${file}`), 1);
    assert.deepEqual(
      ['store_pending_operations', 'store_reopenings_total', 'database_bytes', 'wal_bytes'].map((name) =>
        value(name, file),
      ),
      [0, 0, store.databaseBytes, store.walBytes],
    );
    assert.ok(value('disk_free_bytes', file) > 0);
    assert.equal([...samples.keys()].filter((name) => name.includes('feature_enabled')).length, 2);
    assert.equal(Object.keys(config.getMetrics().features).length, 2);
    assert.equal(Object.keys(open(t, {}).getMetrics().features).length, DEFAULT_FEATURES.length);
  },
});

/** What a dashboard reads of the text: the value of each sample, by its name with labels. */
function read(config) {
  const lines = config.metricsText().split('\n');
  assert.deepEqual(lines.splice(-2), ['# EOF', '']);
  const samples = lines
    .filter((line) => !line.startsWith('#'))
    .map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    });
  const values = new Map(samples);
  assert.equal(values.size, samples.length, 'no sample comes twice');
  assert.ok(samples.every(([name, value]) => name.startsWith('config13byte_') && Number.isFinite(value)));
  return values;
}

function checkLatency({ count, meanMs, p50Ms, p99Ms, maxMs }, wanted, mostMs) {
  const shown = JSON.stringify({ count, meanMs, p50Ms, p99Ms, maxMs, mostMs });
  assert.equal(count, wanted, shown);
  assert.ok(p50Ms > 0 && p50Ms <= p99Ms && p99Ms <= maxMs && maxMs <= mostMs, shown);
  assert.ok(meanMs > 0 && meanMs <= maxMs, shown);
}

/** `next()` resolves with the next change that comes. */
function listen(config) {
  let heard;
  config.on('change', (change) => heard?.(change));
  return {
    next: () =>
      new Promise((resolve) => {
        heard = resolve;
      }),
  };
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}

/** A config with a database. */
function openStore(t, more = {}, name = 'config.db') {
  const options = { persistPath: join(t.tempDir(), name), ...more };
  return { config: open(t, options), options };
}

/** A config that other processes share, and where the doorbells of its listeners are. */
function openLive(t) {
  const { config, options } = openStore(t, { enableClusterSync: true, environment: 'test', features: ['a', 'b'] });
  return { config, doorbells: `${options.persistPath}-live-test-doorbells` };
}

/** The doorbells that others may ring. */
function ready(doorbells) {
  return readdirSync(doorbells).filter((name) => !name.endsWith('.new'));
}

/** What a doorbell is rung with. */
function moment(nanoseconds) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(nanoseconds);
  return bytes;
}

function turn() {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
