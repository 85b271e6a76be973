import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { metrics as globalMetrics } from '@opentelemetry/api';
import { AggregationTemporality, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { createProductionConfig } from '13byte-config';
import { instrumentConfig } from '13byte-config/opentelemetry';
import { suite } from './harness/suite.mjs';

const required = createRequire(import.meta.url)('13byte-config/opentelemetry');

export default suite('opentelemetry', {
  async 'a reader gets what getMetrics gives'(t) {
    const { meter, read } = openReader(t);
    const options = {
      persistPath: join(t.tempDir(), 'config.db'),
      environment: 'staging',
      features: ['a', 'b'],
      debugMode: true,
    };
    const config = open(t, options);
    const heard = new Promise((resolve) => {
      config.once('change', resolve);
    });
    instrumentConfig(config, { meter });
    config.enableFeature('a');
    config.setRollout('b', 12.5);
    await heard;
    config.on('change', () => {});
    await Promise.all([config.persist(), config.persist(), config.persist('no', { ifRevision: 9 }).catch(() => {})]);
    await assert.rejects(config.backup(join(t.tempDir(), 'missing', 'backup.db')), { code: 'ERR_BACKUP' });

    const points = await read();
    const { uptimeMs, listenerLag, store, timings, ...metrics } = config.getMetrics();
    const value = (name, attributes = {}) =>
      points.get(`config13byte.${name}`).value({ 'config13byte.environment': 'staging', ...attributes });
    assert.ok(value('uptime') > 0 && value('uptime') <= uptimeMs / 1000);
    assert.deepEqual(
      ['generation', 'revision', 'writes', 'listeners', 'store.degraded'].map((name) => value(name)),
      [metrics.generation, 2, 2, 1, 0],
    );
    for (const [name, { enabled, rollout }] of Object.entries(metrics.features)) {
      assert.equal(value('feature.enabled', { 'feature_flag.key': name }), Number(enabled));
      assert.equal(value('feature.rollout', { 'feature_flag.key': name }), rollout / 100);
    }
    assert.equal(value('changes', { 'config13byte.change.origin': 'local' }), 1);
    assert.equal(value('changes', { 'config13byte.change.origin': 'foreign' }), 0);
    for (const [name, latency] of [
      ['listener.lag', listenerLag],
      ['persist.duration', store.persists.latency],
      ['commit.duration', store.commits.latency],
    ]) {
      const quantile = (wanted) => value(name, { 'config13byte.quantile': wanted });
      assert.deepEqual(
        [quantile(0.5), quantile(0.99), quantile(1)],
        [latency.p50Ms, latency.p99Ms, latency.maxMs].map((ms) => ms / 1000),
        name,
      );
      assert.ok(quantile(0.5) > 0, name);
    }
    assert.equal(value('persists', { 'config13byte.persist.outcome': 'ok' }), 2);
    assert.equal(value('persists', { 'config13byte.persist.outcome': 'failed' }), 0);
    assert.equal(value('persists', { 'config13byte.persist.outcome': 'refused' }), 1);
    assert.equal(value('store.errors', { 'error.type': 'ERR_BACKUP' }), 1);
    assert.deepEqual(
      ['commits', 'commit.revisions', 'store.pending', 'store.reopenings'].map((name) => value(name)),
      [1, 2, 0, 0],
    );
    assert.deepEqual([value('database.size'), value('wal.size')], [store.databaseBytes, store.walBytes]);
    assert.ok(value('disk.free') > 0);
    assert.equal(value('operation.calls', { 'config13byte.operation.name': 'enableFeature' }), 1);
    assert.equal(
      value('operation.time', { 'config13byte.operation.name': 'enableFeature' }),
      timings.enableFeature.totalNs / 1e9,
    );

    assert.equal(points.size, 23);
    for (const [name, { descriptor }] of points) {
      assert.match(name, /^config13byte(\.[a-z]+)+$/);
      assert.ok(descriptor.unit && descriptor.description, name);
    }
    assert.deepEqual(
      ['writes', 'wal.size', 'listener.lag'].map((name) => points.get(`config13byte.${name}`).descriptor.unit),
      ['{change}', 'By', 's'],
    );
  },

  async 'counters go on from one collection to the next, and only they are sums'(t) {
    const { meter, read } = openReader(t);
    const config = open(t, {});
    instrumentConfig(config, { meter });
    const seen = [];
    for (let round = 0; round < 3; round += 1) {
      config.toggleFeature('debug');
      const points = await read();
      seen.push([
        points.get('config13byte.writes').value(),
        points.get('config13byte.feature.enabled').value({ 'feature_flag.key': 'debug' }),
      ]);
      const { isMonotonic } = points.get('config13byte.writes');
      assert.deepEqual([isMonotonic, points.get('config13byte.listeners').isMonotonic], [true, false]);
    }
    assert.deepEqual(seen, [
      [1, 1],
      [2, 0],
      [3, 1],
    ]);
  },

  async 'what there is not is not observed'(t) {
    const { meter, read } = openReader(t);
    instrumentConfig(open(t, {}), { meter });
    const names = [...(await read()).keys()].map((name) => name.slice('config13byte.'.length));
    assert.deepEqual(names.toSorted(), [
      'changes',
      'feature.enabled',
      'feature.rollout',
      'generation',
      'listeners',
      'uptime',
      'writes',
    ]);
  },

  async 'it ends with the config, or before'(t) {
    // Otherwise the SDK goes on with the last value of what is not observed any more.
    const { meter, read } = openReader(t, { aggregationTemporalitySelector: () => AggregationTemporality.DELTA });
    const [closed, stopped, left] = ['closed', 'stopped', 'left'].map((environment) => open(t, { environment }));
    const instrumentations = [closed, stopped, left].map((config) => instrumentConfig(config, { meter }));
    const observed = async () => (await read()).get('config13byte.writes')?.environments() ?? [];
    assert.deepEqual(await observed(), ['closed', 'left', 'stopped']);
    await closed.close();
    instrumentations[1].stop();
    instrumentations[1].stop();
    assert.deepEqual(await observed(), ['left']);
    stopped.enableFeature('debug');
    assert.equal(stopped.getMetrics().writes, 1, 'the config stays open');
    instrumentations[2][Symbol.dispose]();
    assert.deepEqual(await observed(), []);
    assert.throws(() => instrumentConfig(closed, { meter }), { code: 'ERR_CLOSED' });
  },

  async 'configs of one environment are told apart by attributes'(t) {
    const { meter, read } = openReader(t);
    for (const shop of ['north', 'south']) {
      const config = open(t, { environment: 'test' });
      if (shop === 'south') config.enableFeature('debug');
      instrumentConfig(config, { meter, attributes: { shop } });
    }
    const writes = (await read()).get('config13byte.writes');
    const of = (shop) => writes.value({ 'config13byte.environment': 'test', shop });
    assert.deepEqual([of('north'), of('south')], [0, 1]);
  },

  async 'without a meter, and with require, the global one is taken'(t) {
    const { provider, read } = openReader(t);
    const config = open(t, {});
    globalMetrics.setGlobalMeterProvider(provider);
    t.after(() => globalMetrics.disable());
    const instrumentation = required.instrumentConfig(config);
    config.enableFeature('debug');
    assert.equal((await read()).get('config13byte.writes').value(), 1);
    instrumentation.stop();
  },

  async 'a config that is instrumented before the SDK is registered is observed from then on'(t) {
    const { provider, read } = openReader(t);
    const [early, stopped, closed] = ['early', 'stopped', 'closed'].map((environment) => open(t, { environment }));
    const instrumentation = instrumentConfig(early);
    instrumentConfig(stopped).stop();
    instrumentConfig(closed);
    await closed.close();
    globalMetrics.setGlobalMeterProvider(provider);
    t.after(() => globalMetrics.disable());
    early.enableFeature('debug');
    const writes = async () => (await read()).get('config13byte.writes');
    let found;
    while (!(found = await writes())) await setImmediate();
    assert.deepEqual([found.environments(), found.value()], [['early'], 1]);
    instrumentation.stop();
    early.enableFeature('verbose');
    assert.equal((await writes()).value(), 1, 'and no longer');
  },
});

/** A reader of the SDK, which collects when it is told to. */
class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

/** A meter, and what it has observed: the points of each instrument, by its name. */
function openReader(t, options) {
  const reader = new Reader(options);
  const provider = new MeterProvider({ readers: [reader] });
  t.after(() => provider.shutdown());
  return {
    provider,
    meter: provider.getMeter('test'),
    async read() {
      const { resourceMetrics, errors } = await reader.collect();
      assert.deepEqual(errors, []);
      const metrics = resourceMetrics.scopeMetrics
        .flatMap((scope) => scope.metrics)
        .filter(({ dataPoints }) => dataPoints.length > 0);
      return new Map(
        metrics.map(({ descriptor, dataPoints, isMonotonic }) => [
          descriptor.name,
          {
            descriptor,
            isMonotonic,
            environments: () => dataPoints.map(({ attributes }) => attributes['config13byte.environment']).toSorted(),
            value(attributes = {}) {
              const has = (point) =>
                Object.entries(attributes).every(([name, wanted]) => point.attributes[name] === wanted);
              const found = dataPoints.filter(has);
              assert.equal(found.length, 1, `${descriptor.name} ${JSON.stringify(dataPoints)}`);
              return found[0].value;
            },
          },
        ]),
      );
    },
  };
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}
