import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import murmur from 'murmurhash3js-revisited';
import { startProcess } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

const require = createRequire(import.meta.url);
const BETA = 'beta_feature';

export default suite('rollouts', {
  'a rollout decides for each key, and only while the feature is on'(t) {
    const config = open(t);
    assert.equal(config.getRollout(BETA), 100);
    assert.equal(config.isFeatureEnabledFor(BETA, 'user-123'), false);
    config.enableFeature(BETA);
    assert.equal(config.isFeatureEnabledFor(BETA, 'user-123'), true);
    // The bucket of this key is 6621, so 66.21 % leaves it out and 66.22 % is the first that has it.
    assert.equal(config.setRollout(BETA, 66.21), true);
    assert.equal(config.isFeatureEnabledFor(BETA, 'user-123'), false);
    assert.equal(config.setRollout(BETA, 66.22), true);
    assert.equal(config.isFeatureEnabledFor(BETA, 'user-123'), true);
    assert.equal(config.setRollout(BETA, 66.22), false, 'nothing to change');
    assert.equal(config.getRollout(BETA), 66.22);
    assert.equal(config.isFeatureEnabled(BETA), true, 'the switch alone');
    config.setRollout(BETA, 0);
    assert.equal(config.isFeatureEnabledFor(BETA, 'user-123'), false);
    config.setRollout(BETA, 100);
    config.disableFeature(BETA);
    assert.equal(config.isFeatureEnabledFor(BETA, 'user-123'), false);
    assert.equal(config.getRollout('new_feature'), 100, 'of another feature');
  },

  'a feature handle knows its rollout'(t) {
    const config = open(t);
    const beta = config.feature(BETA);
    beta.enable();
    assert.equal(beta.rollout, 100);
    config.setRollout(BETA, 66.21);
    assert.equal(beta.rollout, 66.21);
    assert.equal(beta.isEnabledFor('user-123'), false);
    assert.equal(beta.isEnabledFor('user-1'), config.isFeatureEnabledFor(BETA, 'user-1'));
  },

  'every step of 0.01 percent is taken and given back as it was'(t) {
    const config = open(t);
    for (let basisPoints = 0; basisPoints <= 10_000; basisPoints += 1) {
      config.setRollout(BETA, basisPoints / 100);
      assert.equal(config.getRollout(BETA), basisPoints / 100);
    }
  },

  'the bucket of a key is that of another implementation'(t) {
    const names = ['a', 'ab', 'abc', 'abcd', BETA];
    const config = open(t, { features: names });
    const keys = [...Array(20).keys()].flatMap((size) => [
      'x'.repeat(size + 1),
      `${'y'.repeat(size)}é`,
      `${'z'.repeat(size)}👩‍🚀€`,
    ]);
    for (const name of names) {
      config.enableFeature(name);
      for (const key of keys) {
        const hash = murmur.x86.hash32(new TextEncoder().encode(`${name}:${key}`));
        const bucket = (hash % 100) * 100 + (Math.floor(hash / 100) % 100);
        config.setRollout(name, bucket / 100);
        assert.equal(config.isFeatureEnabledFor(name, key), false, `${name}:${key} is not below ${bucket}`);
        config.setRollout(name, (bucket + 1) / 100);
        assert.equal(config.isFeatureEnabledFor(name, key), true, `${name}:${key} is below ${bucket + 1}`);
      }
    }
  },

  'the vectors of Unleash for gradual rollouts hold'(t) {
    let checked = 0;
    for (const file of [
      '03-gradual-rollout-user-id-strategy',
      '04-gradual-rollout-session-id-strategy',
      '10-flexible-rollout-strategy',
      '12-custom-stickiness',
    ]) {
      const { state, tests } = require(`@unleash/client-specification/specifications/${file}.json`);
      for (const { toggleName, context, expectedResult, description } of tests) {
        const { strategies } = state.features.find(({ name }) => name === toggleName);
        const [{ parameters, name: strategy }] = strategies;
        const key = keyOf(strategy, parameters, context);
        // Without a key they decide by chance or by another strategy, which is not ours to say.
        if (strategies.length > 1 || key === undefined) continue;
        const config = open(t, { features: [parameters.groupId] });
        config.enableFeature(parameters.groupId);
        config.setRollout(parameters.groupId, Number(parameters.percentage ?? parameters.rollout));
        assert.equal(config.isFeatureEnabledFor(parameters.groupId, key), expectedResult, description);
        checked += 1;
      }
    }
    assert.equal(checked, 19);
  },

  'a million keys spread as the percentage says'(t) {
    const config = open(t);
    config.enableFeature(BETA);
    const keys = Array.from({ length: 1_000_000 }, (_, index) => `user-${index}`);
    for (const percent of [0.01, 0.1, 1, 10, 50]) {
      config.setRollout(BETA, percent);
      let count = 0;
      for (const key of keys) if (config.isFeatureEnabledFor(BETA, key)) count += 1;
      const share = percent / 100;
      const expected = keys.length * share;
      const sigma = Math.sqrt(expected * (1 - share));
      assert.ok(
        Math.abs(count - expected) <= 4 * sigma,
        `${percent} %: ${count} keys, ${expected} ± ${(4 * sigma).toFixed(0)} expected`,
      );
    }
  },

  'raising a rollout never takes a key away'(t) {
    const config = open(t);
    config.enableFeature(BETA);
    const seed = Date.now() % 2 ** 32;
    const random = randomNumbers(seed);
    const steps = Array.from({ length: 40 }, () => random(10_001) / 100).toSorted((a, b) => a - b);
    const keys = Array.from({ length: 500 }, () =>
      String.fromCodePoint(...Array.from({ length: 1 + random(12) }, () => 1 + random(0xd7fe))),
    );
    let before = new Set();
    for (const percent of steps) {
      config.setRollout(BETA, percent);
      const now = new Set(keys.filter((key) => config.isFeatureEnabledFor(BETA, key)));
      assert.deepEqual(
        [...before].filter((key) => !now.has(key)),
        [],
        `lost at ${percent} %, seed ${seed}`,
      );
      before = now;
    }
  },

  'what is no percentage is refused, and nothing changes'(t) {
    const config = open(t);
    config.setRollout(BETA, 12.5);
    const { generation } = config.getDebugView();
    const range = '(must be 0-100 percent in steps of 0.01)';
    for (const percent of [-1, -0.01, 100.001, 100.01, 0.001, 33.333, Number.NaN, Infinity, -Infinity]) {
      assert.throws(() => config.setRollout(BETA, percent), {
        name: 'RangeError',
        code: 'ERR_OUT_OF_RANGE',
        message: `Invalid rollout: ${percent} ${range}`,
      });
    }
    for (const percent of ['10', null, undefined, 10n, {}]) {
      assert.throws(() => config.setRollout(BETA, percent), { name: 'TypeError', code: 'ERR_INVALID_TYPE' });
    }
    assert.throws(() => config.setRollout('beta', 10), { code: 'ERR_UNKNOWN_FEATURE' });
    assert.throws(() => config.getRollout('beta'), { code: 'ERR_UNKNOWN_FEATURE' });
    assert.throws(() => config.isFeatureEnabledFor('beta', 'x'), { code: 'ERR_UNKNOWN_FEATURE' });
    assert.deepEqual([config.getRollout(BETA), config.getDebugView().generation], [12.5, generation]);
  },

  'what is no key is refused, whatever the switch and the rollout'(t) {
    const config = open(t);
    for (const on of [false, true]) {
      config.setFeature(BETA, on);
      for (const percent of [0, 50, 100]) {
        config.setRollout(BETA, percent);
        for (const key of [undefined, null, 7, 7n, {}, ['a']]) {
          assert.throws(() => config.isFeatureEnabledFor(BETA, key), { name: 'TypeError', code: 'ERR_INVALID_TYPE' });
        }
        for (const key of ['', '\ud800', 'user-\udc00', 'x'.repeat(99) + '\ud83d']) {
          assert.throws(() => config.isFeatureEnabledFor(BETA, key), { name: 'RangeError', code: 'ERR_INVALID_VALUE' });
        }
      }
    }
  },

  async 'it is persisted, told in history and differences, and rolled back'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), features: [BETA, 'other'] };
    const config = open(t, options);
    config.enableFeature(BETA);
    config.setRollout(BETA, 10);
    await config.persist('a tenth');
    config.setRollout(BETA, 50);
    const half = await config.persist('a half');
    assert.deepEqual(half.changes, [`${BETA} 10% → 50%`]);
    assert.deepEqual((await config.diff(1, 2)).changes, [`${BETA} 10% → 50%`]);
    assert.deepEqual(config.getDebugView().rollouts, { [BETA]: 50 });

    await config.rollback(1);
    assert.equal(config.getRollout(BETA), 10);
    config.setRollout(BETA, 70);
    await config.load();
    assert.equal(config.getRollout(BETA), 10);
    await config.close();
    assert.equal(open(t, options).getRollout(BETA), 10, 'after a restart');

    const staging = open(t, { ...options, environment: 'staging' });
    assert.equal(staging.getRollout(BETA), 100);
    await staging.promote(config.environment);
    assert.equal(staging.getRollout(BETA), 10);
  },

  async 'a change of a rollout is an event, local to who made it'(t) {
    const config = open(t);
    const changed = once(config, 'change');
    config.setRollout(BETA, 25);
    const [change] = await changed;
    assert.deepEqual(change, {
      enabled: [],
      disabled: [],
      rollouts: { [BETA]: { from: 100, to: 25 } },
      generation: change.generation,
      local: true,
    });
  },

  async 'everybody who shares the state shares its rollouts'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true, features: [BETA] };
    const config = open(t, options);
    const twin = open(t, options);
    const peer = startProcess();
    t.after(() => peer.stop());
    await peer.tell('open', options);
    config.enableFeature(BETA);
    const changed = once(twin, 'change');
    await peer.tell('setRollout', BETA, 66.21);
    const [{ rollouts, local }] = await changed;
    assert.deepEqual({ rollouts, local }, { rollouts: { [BETA]: { from: 100, to: 66.21 } }, local: false });
    assert.equal(config.isFeatureEnabledFor(BETA, 'user-123'), false);
    config.setRollout(BETA, 66.22);
    assert.equal(await peer.tell('isFeatureEnabledFor', BETA, 'user-123'), true);
  },

  async 'with autoPersist a rollout is persisted by itself'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath, autoPersist: { debounceMs: 0 } });
    config.setRollout(BETA, 5);
    await config.close();
    assert.equal(open(t, { persistPath }).getRollout(BETA), 5);
  },

  async 'a rollout beyond everyone, as only foreign code can write it, is reported and not persisted'(t) {
    const config = open(t, { persistPath: join(t.tempDir(), 'config.db') });
    if (!config.sharedBuffer) return;
    const rollouts = new Uint16Array(config.sharedBuffer, 64, 32);
    Atomics.store(rollouts, 8, 10_001);
    const message = 'Invalid rollout of feature 8: 10001 basis points (must be 0-10000)';
    assert.deepEqual(config.validate(), { isValid: false, errors: [message] });
    await assert.rejects(config.persist(), { code: 'ERR_INVALID_STATE' });
    config.setRollout(BETA, 100);
    assert.equal((await config.persist()).revision, 1);
  },
});

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}

/** What a strategy of Unleash hashes beside the group. */
function keyOf(strategy, { stickiness }, { userId, sessionId, properties }) {
  if (strategy === 'gradualRolloutUserId') return userId;
  if (strategy === 'gradualRolloutSessionId') return sessionId;
  return { userId, sessionId, default: userId ?? sessionId }[stickiness] ?? properties?.[stickiness];
}

/** Whole numbers below a limit. */
function randomNumbers(seed) {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
