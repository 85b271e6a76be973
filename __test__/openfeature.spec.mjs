import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { OpenFeatureAPI, ProviderEvents } from '@openfeature/server-sdk';
import { createProductionConfig } from '13byte-config';
import { ConfigProvider } from '13byte-config/openfeature';
import { startProcess } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

const FEATURES = ['boolean-flag', 'boolean-zero-flag', 'split'];
const QUIET = { error() {}, warn() {}, info() {}, debug() {} };

// The scenarios of the specification's evaluation suite that flags of these types can express, and what its provider and
// event sections ask of a provider, through the SDK.
export default suite('openfeature', {
  async 'a boolean flag resolves to whether the feature is on'(t) {
    const { client } = await open(t);
    assert.equal(await client.getBooleanValue('boolean-flag', false), true);
    assert.equal(await client.getBooleanValue('boolean-zero-flag', true), false);
    const { value, variant, reason, errorCode, errorMessage, flagMetadata } = await client.getBooleanDetails(
      'boolean-flag',
      false,
    );
    assert.deepEqual({ value, variant, reason }, { value: true, variant: 'on', reason: 'STATIC' });
    assert.deepEqual([errorCode, errorMessage], [undefined, undefined]);
    assert.deepEqual(flagMetadata, { environment: 'test', rollout: 100 });
    const off = await client.getBooleanDetails('boolean-zero-flag', true);
    assert.deepEqual([off.value, off.variant, off.reason], [false, 'off', 'STATIC']);
  },

  async 'what was declared of a feature is its metadata'(t) {
    const features = {
      checkout: { description: 'The new checkout', owner: 'payments', expires: '2027-03-01', enabled: true },
      plain: {},
    };
    const config = createProductionConfig({
      persistPath: join(t.tempDir(), 'config.db'),
      environment: 'test',
      features,
    });
    t.after(() => config.close());
    const api = OpenFeatureAPI.getInstance();
    t.after(() => api.clearProviders());
    await api.setProviderAndWait('declared', new ConfigProvider(config));
    const metadata = async (name) => (await api.getClient('declared').getBooleanDetails(name, false)).flagMetadata;
    assert.deepEqual(await metadata('checkout'), {
      environment: 'test',
      rollout: 100,
      description: 'The new checkout',
      owner: 'payments',
      expires: '2027-03-01T00:00:00.000Z',
    });
    assert.deepEqual(await metadata('plain'), { environment: 'test', rollout: 100 });
  },

  async 'the terminal settings are numbers and an object'(t) {
    const { client } = await open(t);
    const rows = await client.getNumberDetails('terminal.rows', 1);
    assert.deepEqual(
      [rows.value, rows.variant, rows.reason, rows.flagMetadata],
      [50, '50', 'STATIC', { environment: 'test' }],
    );
    assert.equal(await client.getNumberValue('terminal.cols', 1), 120);
    assert.equal(await client.getNumberValue('terminal.mode', 1), 2);
    const terminal = await client.getObjectDetails('terminal', {});
    assert.deepEqual(
      [terminal.value, terminal.variant, terminal.reason],
      [{ mode: 2, rows: 50, cols: 120 }, '2:50x120', 'STATIC'],
    );
  },

  async 'a flag that does not exist gives the default and FLAG_NOT_FOUND'(t) {
    const { client } = await open(t);
    for (const [method, fallback] of [
      ['getBooleanDetails', true],
      ['getStringDetails', 'uh-oh'],
      ['getNumberDetails', 13],
      ['getObjectDetails', { a: 1 }],
    ]) {
      for (const key of ['missing-flag', 'toString', '__proto__', '']) {
        const { value, reason, errorCode, variant } = await client[method](key, fallback);
        assert.deepEqual(
          { value, reason, errorCode, variant },
          { value: fallback, reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND', variant: undefined },
        );
      }
    }
  },

  async 'a flag of another type gives the default and TYPE_MISMATCH'(t) {
    const { client } = await open(t);
    for (const [method, key, fallback] of [
      ['getNumberDetails', 'boolean-flag', 13],
      ['getStringDetails', 'boolean-flag', 'uh-oh'],
      ['getObjectDetails', 'boolean-flag', {}],
      ['getBooleanDetails', 'terminal.rows', true],
      ['getStringDetails', 'terminal.rows', ''],
      ['getObjectDetails', 'terminal.mode', {}],
      ['getNumberDetails', 'terminal', 1],
      ['getBooleanDetails', 'terminal', false],
    ]) {
      const { value, reason, errorCode } = await client[method](key, fallback);
      assert.deepEqual(
        { value, reason, errorCode },
        { value: fallback, reason: 'ERROR', errorCode: 'TYPE_MISMATCH' },
        `${method} ${key}`,
      );
    }
  },

  async 'a rollout decides by the targeting key, and says SPLIT'(t) {
    const { config, client } = await open(t);
    config.setRollout('split', 50);
    const off = await client.getBooleanDetails('split', true);
    assert.deepEqual([off.value, off.reason], [false, 'STATIC'], 'a feature that is off needs no key');
    config.enableFeature('split');
    for (let user = 0; user < 50; user += 1) {
      const targetingKey = `user-${user}`;
      const { value, variant, reason, flagMetadata } = await client.getBooleanDetails('split', false, { targetingKey });
      const wanted = config.isFeatureEnabledFor('split', targetingKey);
      assert.deepEqual([value, variant, reason], [wanted, wanted ? 'on' : 'off', 'SPLIT']);
      assert.equal(flagMetadata.rollout, 50);
    }
    for (const context of [undefined, {}, { targetingKey: '' }]) {
      const missing = await client.getBooleanDetails('split', true, context);
      assert.deepEqual([missing.value, missing.reason, missing.errorCode], [true, 'ERROR', 'TARGETING_KEY_MISSING']);
    }
    for (const [percent, wanted] of [
      [0, false],
      [100, true],
    ]) {
      config.setRollout('split', percent);
      const { value, reason } = await client.getBooleanDetails('split', !wanted);
      assert.deepEqual([value, reason], [wanted, 'STATIC'], `${percent} % needs no key`);
    }
  },

  async 'a targeting key that is none gives the default and INVALID_CONTEXT'(t) {
    const { config, client } = await open(t);
    config.setRollout('split', 50);
    for (const [targetingKey, errorCode] of [
      [0, 'INVALID_CONTEXT'],
      [Number.NaN, 'INVALID_CONTEXT'],
      [false, 'INVALID_CONTEXT'],
      [['user'], 'INVALID_CONTEXT'],
      ['user \ud83d', 'INVALID_CONTEXT'],
      [null, 'TARGETING_KEY_MISSING'],
    ]) {
      config.enableFeature('split');
      const details = await client.getBooleanDetails('split', true, { targetingKey });
      assert.deepEqual(
        [details.value, details.reason, details.errorCode],
        [true, 'ERROR', errorCode],
        String(targetingKey),
      );
      config.disableFeature('split');
      assert.equal(
        (await client.getBooleanDetails('split', true, { targetingKey })).errorCode,
        undefined,
        'it is not needed',
      );
    }
    assert.equal((await client.getBooleanDetails(42, true)).errorCode, 'FLAG_NOT_FOUND');
  },

  async 'a feature takes precedence over a terminal setting of its name'(t) {
    const { client } = await open(t, { features: [...FEATURES, 'terminal.rows'] });
    assert.equal(await client.getBooleanValue('terminal.rows', true), false);
    assert.equal((await client.getNumberDetails('terminal.rows', 1)).errorCode, 'TYPE_MISMATCH');
  },

  async 'changes by anybody are events that name the flags'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true };
    const { config, client } = await open(t, options);
    const next = () =>
      new Promise((resolve) => {
        const handler = (details) => {
          client.removeHandler(ProviderEvents.ConfigurationChanged, handler);
          resolve(details);
        };
        client.addHandler(ProviderEvents.ConfigurationChanged, handler);
      });
    let told = next();
    config.update((draft) => {
      draft.disable('boolean-flag');
      draft.enable('split');
      draft.terminal(2, 51, 120);
    });
    const { flagsChanged, metadata, providerName } = await told;
    assert.deepEqual(flagsChanged.toSorted(), ['boolean-flag', 'split', 'terminal', 'terminal.rows']);
    assert.equal(metadata.environment, 'test');
    assert.equal(providerName, '13byte-config');

    const peer = startProcess();
    t.after(() => peer.stop());
    await peer.tell('open', { ...options, features: FEATURES, environment: 'test' });
    told = next();
    await peer.tell('setRollout', 'split', 10);
    assert.deepEqual((await told).flagsChanged, ['split']);
  },

  async 'a closed config cannot be provided, and gives defaults from then on'(t) {
    const { config, client } = await open(t);
    await config.close();
    const { value, reason, errorCode } = await client.getBooleanDetails('boolean-flag', true);
    assert.deepEqual({ value, reason, errorCode }, { value: true, reason: 'ERROR', errorCode: 'PROVIDER_NOT_READY' });
    const api = newApi();
    await assert.rejects(api.setProviderAndWait(new ConfigProvider(config)), { code: 'PROVIDER_NOT_READY' });
    assert.equal(api.getClient().providerStatus, 'ERROR');
  },

  async 'a provider that is replaced lets go of its config, and can come back'(t) {
    const { api, config, provider } = await open(t);
    assert.equal(config.listenerCount('change'), 1);
    await provider.initialize();
    assert.equal(config.listenerCount('change'), 1, 'once is enough');
    await api.clearProviders();
    assert.equal(config.listenerCount('change'), 0);
    await provider.onClose();
    assert.equal(config.isFeatureEnabled('boolean-flag'), true, 'it is still open');
    await api.setProviderAndWait(provider);
    assert.equal(config.listenerCount('change'), 1);
    assert.equal(await api.getClient().getBooleanValue('boolean-flag', false), true);
  },

  async 'the health of the config is the status of the provider'(t) {
    const { api, config, provider } = await open(t, {}, { healthEveryMs: 1 });
    const client = api.getClient();
    const became = (status) =>
      new Promise((resolve) => {
        const handler = (details) => {
          client.removeHandler(status, handler);
          resolve(details);
        };
        client.addHandler(status, handler);
      });
    const health = {
      status: 'degraded',
      checks: [{ name: 'disk-space', status: 'degraded', message: 'little space' }],
    };
    const genuine = config.healthCheck;
    const stale = became(ProviderEvents.Stale);
    config.healthCheck = async () => health;
    assert.equal((await stale).message, 'little space');
    assert.equal(client.providerStatus, 'STALE');
    assert.equal(await client.getBooleanValue('boolean-flag', false), true, 'served all the same');
    const ready = became(ProviderEvents.Ready);
    config.healthCheck = genuine;
    await ready;
    assert.equal(client.providerStatus, 'READY');
    // A real failure: the config is closed.
    const failed = became(ProviderEvents.Error);
    await config.close();
    const { message, errorCode } = await failed;
    assert.match(message, /closed/);
    assert.equal(errorCode, 'GENERAL');
    await provider.onClose();
  },

  async 'a provider of a config that cannot persist has an error from the beginning, and serves flags'(t) {
    for (const healthEveryMs of [0, 30_000]) {
      const persistPath = join(t.tempDir(), 'missing', 'config.db');
      const config = createProductionConfig({ features: FEATURES, persistPath, onStoreError: 'degrade' });
      t.after(() => config.close());
      config.enableFeature('boolean-flag');
      const api = newApi();
      api.setLogger(QUIET);
      t.after(() => api.close());
      const told = [];
      for (const event of [ProviderEvents.Ready, ProviderEvents.Error])
        api.addHandler(event, ({ message }) => told.push([event, message]));
      await assert.rejects(api.setProviderAndWait(new ConfigProvider(config, { healthEveryMs })), {
        code: 'GENERAL',
        message: /missing/,
      });
      const client = api.getClient();
      assert.equal(client.providerStatus, 'ERROR');
      assert.deepEqual(
        told.map(([event]) => event),
        [ProviderEvents.Error],
      );
      assert.equal(await client.getBooleanValue('boolean-flag', false), true);
      assert.equal(config.listenerCount('change'), 1);
    }
  },

  async 'a config that is not well at the beginning is stale'(t) {
    const config = createProductionConfig({ features: FEATURES });
    t.after(() => config.close());
    config.healthCheck = async () => ({
      status: 'degraded',
      checks: [{ name: 'disk-space', status: 'degraded', message: 'little space' }],
    });
    const api = newApi();
    t.after(() => api.close());
    const stale = new Promise((resolve) => {
      api.addHandler(ProviderEvents.Stale, resolve);
    });
    await api.setProviderAndWait(new ConfigProvider(config));
    assert.equal((await stale).message, 'little space');
    assert.equal(api.getClient().providerStatus, 'STALE');
  },

  'options are checked'(t) {
    const config = createProductionConfig();
    t.after(() => config.close());
    for (const healthEveryMs of [-1, 0.5, Number.NaN, 2 ** 31, '1000', null]) {
      assert.throws(() => new ConfigProvider(config, { healthEveryMs }), { name: 'RangeError' });
    }
  },

  'it comes as a CommonJS module, too'(t) {
    const required = createRequire(import.meta.url)('13byte-config/openfeature');
    const config = createProductionConfig({ features: FEATURES });
    t.after(() => config.close());
    assert.equal(new required.ConfigProvider(config).metadata.name, '13byte-config');
  },
});

/** An API of its own, since the SDK's is one for the whole program. */
function newApi() {
  // The SDK gives isolated instances only through the class.
  return new OpenFeatureAPI();
}

async function open(t, options, providerOptions) {
  const config = createProductionConfig({ features: FEATURES, environment: 'test', ...options });
  t.after(() => config.close());
  config.enableFeature('boolean-flag');
  config.setTerminalSettings(2, 50, 120);
  const api = newApi();
  api.setLogger(QUIET);
  t.after(() => api.close());
  const provider = new ConfigProvider(config, providerOptions);
  await api.setProviderAndWait(provider);
  return { api, config, provider, client: api.getClient() };
}
