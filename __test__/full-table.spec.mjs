// More names than there are bits.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { attachConfig, createProductionConfig } from '13byte-config';
import { override } from '13byte-config/testing';
import { startProcess } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

const NAMES = Array.from({ length: 256 }, (_, index) => `feature_${index}`);
/** What the next release lists. */
const NEXT = [...NAMES.slice(1), 'one_too_many'];
const FULL = { name: 'ConfigError', code: 'ERR_TOO_MANY_FEATURES' };
const MESSAGE =
  'No bit left for feature one_too_many, which reads as off: all 256 have names already. ' +
  'Retire some with retireFeature(), or keep the new one in another database. ' +
  'It gets a bit when a program lists it that opens the database alone';

export default suite('a full table of names', {
  async 'never stops a start, and the names without a bit read as off'(t) {
    for (const more of [{}, { onStoreError: 'degrade' }, { enableClusterSync: true }, { readOnly: true }]) {
      const options = await full(t);
      const warned = more.readOnly ? once(process, 'warning') : undefined;
      const config = open(t, { ...options, ...more, features: NEXT });
      if (warned)
        assert.deepEqual(
          (await warned).map(({ code, message }) => [code, message]),
          [[FULL.code, MESSAGE]],
        );
      assert.deepEqual(config.getEnabledFeatures(), ['feature_0']);
      assert.deepEqual(config.getFeatureNames(), NAMES);
      const view = () => [
        config.isFeatureEnabled('one_too_many'),
        config.isFeatureEnabledFor('one_too_many', 'key'),
        config.getRollout('one_too_many'),
        config.feature('one_too_many').enabled,
        config.hasFeature('one_too_many'),
        config.isFeatureEnabled('one_too_many', true),
      ];
      assert.deepEqual(view(), [false, false, 100, false, false, true]);
      assert.throws(() => config.isFeatureEnabledFor('one_too_many', ''), { code: 'ERR_INVALID_VALUE' });
      assert.throws(() => config.isFeatureEnabled('no_such'), { code: 'ERR_UNKNOWN_FEATURE' });
      assert.throws(() => config.getRollout('no_such'), { code: 'ERR_UNKNOWN_FEATURE' });
      if (!more.readOnly) {
        config.update((draft) => draft.enable(...NAMES));
        assert.equal(view()[0], false);
        config.update((draft) => draft.disable(...NAMES.slice(1)));
        assert.equal((await config.persist('goes on')).revision, 2);
      }
    }
  },

  async 'and is told of wherever somebody looks'(t) {
    const config = open(t, { ...(await full(t)), features: NEXT });
    assert.deepEqual(config.validate(), { isValid: false, errors: [MESSAGE] });
    const { status, checks } = await config.healthCheck();
    assert.equal(status, 'failed');
    assert.deepEqual(
      checks.filter(({ status: own }) => own !== 'ok'),
      [{ name: 'features', status: 'failed', message: MESSAGE }],
    );
  },

  async 'a name without a bit cannot be changed, and nothing is'(t) {
    const config = open(t, { ...(await full(t)), features: NEXT });
    const name = 'one_too_many';
    const { features, ...rest } = config.getState();
    const changes = [
      () => config.enableFeature(name),
      () => config.disableFeature(name),
      () => config.setFeature(name, false),
      () => config.toggleFeature(name),
      () => config.setRollout(name, 5),
      () => config.feature(name).enable(),
      () => config.update((draft) => draft.enable('feature_2', name)),
      () => override(config, { feature_2: true, [name]: true }),
    ];
    for (const change of changes) assert.throws(change, { ...FULL, message: MESSAGE });
    await assert.rejects(
      config.commit((draft) => draft.enable('feature_2', name)),
      FULL,
    );
    const state = { ...rest, features: { ...features, [name]: { enabled: true, rollout: 100 } } };
    await assert.rejects(config.apply(state), FULL);
    assert.deepEqual(config.getEnabledFeatures(), ['feature_0']);
    assert.equal((await config.getHistory()).length, 1);
  },

  async 'threads and processes with a handle read it as off, too'(t) {
    const config = open(t, { ...(await full(t)), enableClusterSync: true, features: NEXT });
    const handle = config.share();
    assert.deepEqual(handle.featuresWithoutBit, ['one_too_many']);
    const attached = attachConfig(structuredClone(handle));
    t.after(() => attached.close());
    assert.equal(attached.isFeatureEnabled('one_too_many'), false);
    assert.deepEqual(attached.validate().errors, [MESSAGE]);
    assert.deepEqual(attached.share().featuresWithoutBit, ['one_too_many']);
    const { buffer: _, ...own } = handle;
    const peer = startProcess();
    t.after(() => peer.stop());
    await peer.tell('attach', own);
    assert.equal(await peer.tell('isFeatureEnabled', 'one_too_many'), false);
    for (const given of ['one', [1], {}]) {
      assert.throws(() => attachConfig({ ...handle, featuresWithoutBit: given }), {
        code: 'ERR_INVALID_TYPE',
        message: /handle\.featuresWithoutBit/,
      });
    }
    assert.equal('featuresWithoutBit' in open(t, { features: ['a'] }).share(), false);
  },

  async 'of programs that register at once, each keeps what it got'(t) {
    for (const enableClusterSync of [false, true]) {
      const options = { persistPath: join(t.tempDir(), 'config.db'), environment: 'eu', enableClusterSync };
      const programs = await Promise.all(
        Array.from({ length: 4 }, async (_, number) => {
          const program = startProcess();
          t.after(() => program.stop());
          const features = Array.from({ length: 96 }, (_name, index) => `of_${number}_${index}`);
          await program.tell('open', { ...options, features });
          return { program, features };
        }),
      );
      const names = open(t, options).getFeatureNames();
      assert.equal(names.length, 256);
      for (const { program, features } of programs) {
        for (const name of features) {
          assert.equal(await program.tell('isFeatureEnabled', name), false);
          assert.equal(await program.tell('hasFeature', name), names.includes(name));
        }
        const { errors } = await program.tell('validate');
        assert.equal(errors.length, features.filter((name) => !names.includes(name)).length);
      }
    }
  },

  'a cluster without a database has no more bits, either'(t) {
    const cluster = { enableClusterSync: true, clusterName: `full-${process.pid}-${Math.random()}`, environment: 'eu' };
    const config = open(t, { ...cluster, features: NAMES });
    config.enableFeature('feature_1');
    const next = open(t, { ...cluster, features: NEXT });
    assert.deepEqual([next.isFeatureEnabled('feature_1'), next.isFeatureEnabled('one_too_many')], [true, false]);
    assert.deepEqual(next.validate().errors, [MESSAGE]);
  },
});

/** A database whose bits all have names, with one revision, in which the first of them is on. */
async function full(t) {
  const options = { persistPath: join(t.tempDir(), 'config.db'), environment: 'eu' };
  const config = createProductionConfig({ ...options, features: NAMES });
  config.enableFeature('feature_0');
  await config.persist();
  await config.close();
  return options;
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}
