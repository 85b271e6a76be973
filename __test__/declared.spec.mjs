// What a program says of its features beside their names.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { attachConfig, createDevelopmentConfig, createProductionConfig } from '13byte-config';
import { createTestConfig } from '13byte-config/testing';
import { startProcess } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

const EXPIRES = '2027-03-01T00:00:00.000Z';
const DECLARED = {
  checkout: { description: 'The new checkout', owner: 'payments', expires: '2027-03-01', enabled: true, rollout: 10 },
  search: { enabled: true },
  plain: {},
};
const INFO = {
  name: 'checkout',
  bit: 0,
  description: 'The new checkout',
  owner: 'payments',
  expires: new Date(EXPIRES),
  retired: false,
};

export default suite('declared features', {
  async 'they start as declared, in one revision, and are known by what was said of them'(t) {
    for (const more of [{}, { enableClusterSync: true }]) {
      const config = open(t, { ...database(t), ...more, features: DECLARED, actor: 'deploy' });
      assert.deepEqual(config.getFeatureNames(), ['checkout', 'search', 'plain']);
      assert.deepEqual(config.getEnabledFeatures(), ['checkout', 'search']);
      assert.equal(config.getRollout('checkout'), 10);
      const [entry, ...rest] = await config.getHistory();
      assert.deepEqual(
        [entry.changeReason, entry.actor, entry.changes, rest],
        ['declared', 'deploy', ['+checkout', '+search', 'checkout 100% → 10%'], []],
      );
      assert.equal(config.persisted, true);
      assert.deepEqual(config.getFeatureInfo('checkout'), INFO);
      const nothing = { description: null, owner: null, expires: null, retired: false };
      assert.deepEqual(config.getFeatureInfo('plain'), { name: 'plain', bit: 2, ...nothing });
      assert.throws(() => config.getFeatureInfo('no_such'), { code: 'ERR_UNKNOWN_FEATURE' });
      assert.equal((await config.verify()).ok, true);
    }
  },

  async 'they are seeded once in each environment, and what was decided since stays'(t) {
    const options = database(t);
    const first = open(t, { ...options, features: DECLARED });
    first.disableFeature('search');
    await first.persist('not yet');
    await first.close();
    const second = open(t, { ...options, features: { ...DECLARED, later: { enabled: true } } });
    assert.deepEqual(second.getEnabledFeatures(), ['checkout', 'later']);
    assert.deepEqual(
      (await second.getHistory()).map(({ changeReason }) => changeReason),
      ['declared', 'not yet', 'declared'],
    );
    const elsewhere = open(t, { ...options, environment: 'us', features: DECLARED });
    assert.deepEqual(elsewhere.getEnabledFeatures(), ['checkout', 'search']);
  },

  async 'what somebody decided about is described, and not seeded'(t) {
    const options = database(t);
    const before = open(t, { ...options, features: ['checkout', 'search'] });
    for (const on of [true, false]) {
      before.setFeature('checkout', on);
      await before.persist();
    }
    const config = open(t, { ...options, features: DECLARED });
    // Nobody had an opinion of the other one.
    assert.deepEqual(config.getEnabledFeatures(), ['search']);
    assert.equal(config.getRollout('checkout'), 100);
    assert.deepEqual(config.getFeatureInfo('checkout'), INFO);
    // Those who say nothing change nothing.
    const plain = open(t, { ...options, features: ['checkout'] });
    assert.deepEqual(plain.getFeatureInfo('checkout'), INFO);
    // Of two who say something else, the last one counts, for all.
    open(t, { ...options, features: { checkout: { owner: 'growth' } } });
    assert.deepEqual(config.getFeatureInfo('checkout'), { ...INFO, description: null, owner: 'growth', expires: null });
  },

  async 'a program that brings new features to others seeds them there'(t) {
    for (const where of [
      { ...database(t), enableClusterSync: true },
      { enableClusterSync: true, clusterName: `declared-${process.pid}-${Math.random()}`, environment: 'eu' },
    ]) {
      const config = open(t, { ...where, features: ['own'] });
      config.enableFeature('own');
      const heard = config.changes()[Symbol.asyncIterator]().next();
      const peer = startProcess();
      t.after(() => peer.stop());
      await peer.tell('open', { ...where, features: DECLARED });
      assert.deepEqual((await heard).value.enabled.toSorted(), ['checkout', 'search']);
      assert.deepEqual(config.getEnabledFeatures().toSorted(), ['checkout', 'own', 'search']);
      assert.equal(config.getRollout('checkout'), 10);
      assert.deepEqual(await peer.tell('getEnabledFeatures'), config.getEnabledFeatures());
      config.disableFeature('search');
      const next = startProcess();
      t.after(() => next.stop());
      await next.tell('open', { ...where, features: DECLARED });
      assert.equal(await next.tell('isFeatureEnabled', 'search'), false);
    }
  },

  async 'programs that open at once seed once'(t) {
    const options = database(t);
    const programs = await Promise.all(
      Array.from({ length: 5 }, async (_, number) => {
        const program = startProcess();
        t.after(() => program.stop());
        await program.tell('open', { ...options, enableClusterSync: number % 2 === 0, features: DECLARED });
        return program;
      }),
    );
    for (const program of programs) {
      assert.deepEqual(await program.tell('getEnabledFeatures'), ['checkout', 'search']);
    }
    assert.equal((await programs[0].tell('getHistory')).length, 1);
  },

  async 'without a database, or with what is persisted left out, they start as declared, too'(t) {
    const config = open(t, { features: DECLARED });
    assert.deepEqual(config.getEnabledFeatures(), ['checkout', 'search']);
    assert.equal(config.getRollout('checkout'), 10);
    assert.deepEqual(config.getFeatureInfo('checkout'), INFO);
    const options = { ...database(t), features: DECLARED };
    const first = open(t, options);
    first.disableFeature('search');
    await first.persist();
    assert.deepEqual(open(t, { ...options, autoLoad: false }).getEnabledFeatures(), ['checkout', 'search']);
    // Tests decide for themselves.
    const test = createTestConfig({ plain: true }, { features: DECLARED });
    t.after(() => test.close());
    assert.deepEqual([test.getFeatureNames(), test.getEnabledFeatures()], [['checkout', 'search', 'plain'], ['plain']]);
  },

  async 'a development config has its features on until something else is persisted'(t) {
    for (const more of [{}, { enableClusterSync: true }, { persistPath: undefined }]) {
      const options = { ...database(t), features: { debug: {}, checkout: { enabled: true } }, ...more };
      const config = createDevelopmentConfig(options);
      t.after(() => config.close());
      assert.deepEqual(config.getEnabledFeatures(), ['debug', 'checkout']);
      if (options.persistPath === undefined) continue;
      await config.close();
      const next = createDevelopmentConfig(options);
      assert.deepEqual(next.getEnabledFeatures(), ['debug', 'checkout']);
      next.disableFeature('debug');
      await next.persist();
      await next.close();
      const last = createDevelopmentConfig(options);
      t.after(() => last.close());
      assert.deepEqual(last.getEnabledFeatures(), ['checkout']);
    }
  },

  async 'who only reads has what others have declared'(t) {
    const options = database(t);
    open(t, { ...options, features: DECLARED });
    const reader = open(t, { ...options, readOnly: true, features: { checkout: { owner: 'nobody', enabled: true } } });
    assert.deepEqual(reader.getFeatureInfo('checkout'), INFO);
    const attached = attachConfig(open(t, options).share());
    t.after(() => attached.close());
    assert.deepEqual(attached.getFeatureInfo('checkout'), INFO);
  },

  'declarations that cannot be right are refused by name'(t) {
    const { persistPath } = database(t);
    for (const [features, code, message] of [
      ['checkout', 'ERR_INVALID_TYPE', /^Invalid features: "checkout" \(must be an array of names, or an object/],
      [{ 'no name': {} }, 'ERR_INVALID_FEATURE_NAME', /no name/],
      [{ a: 'text' }, 'ERR_INVALID_TYPE', /^Invalid features\.a: "text"/],
      [{ a: null }, 'ERR_INVALID_TYPE', /^Invalid features\.a: null/],
      [{ a: { descripton: 'x' } }, 'ERR_UNKNOWN_OPTION', /descripton/],
      [{ a: { description: '' } }, 'ERR_INVALID_VALUE', /^Invalid features\.a\.description: ""/],
      [{ a: { description: 'x'.repeat(1001) } }, 'ERR_INVALID_VALUE', /1001 characters \(must be at most 1000\)/],
      [{ a: { owner: 7 } }, 'ERR_INVALID_TYPE', /^Invalid features\.a\.owner: 7/],
      [{ a: { owner: 'x\0' } }, 'ERR_INVALID_VALUE', /^Invalid features\.a\.owner/],
      [{ a: { expires: 'soon' } }, 'ERR_INVALID_VALUE', /^Invalid features\.a\.expires: "soon" \(must be a Date/],
      [{ a: { expires: '2027-02-31' } }, 'ERR_INVALID_VALUE', /^Invalid features\.a\.expires/],
      [{ a: { expires: '03/01/2027' } }, 'ERR_INVALID_VALUE', /^Invalid features\.a\.expires/],
      [{ a: { expires: '2027-03-01T10:00' } }, 'ERR_INVALID_VALUE', /^Invalid features\.a\.expires/],
      [{ a: { expires: new Date(Number.NaN) } }, 'ERR_INVALID_VALUE', /an invalid Date/],
      [{ a: { expires: 1_800_000_000_000 } }, 'ERR_INVALID_TYPE', /^Invalid features\.a\.expires: 1800000000000/],
      [{ a: { enabled: 'yes' } }, 'ERR_INVALID_TYPE', /^Invalid features\.a\.enabled: "yes"/],
      [
        { a: { rollout: 100.001 } },
        'ERR_OUT_OF_RANGE',
        /^Invalid features\.a\.rollout: 100\.001 \(must be 0-100 percent/,
      ],
      [{ a: { rollout: '5' } }, 'ERR_INVALID_TYPE', /^Invalid features\.a\.rollout: "5"/],
      [Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`f${n}`, {}])), 'ERR_TOO_MANY_FEATURES', /f256/],
    ]) {
      assert.throws(() => createProductionConfig({ persistPath, features }), { code, message });
    }
    const dates = { a: { expires: new Date(EXPIRES) }, b: { expires: '2027-03-01T02:00+02:00' } };
    const config = open(t, { features: dates });
    for (const name of ['a', 'b']) assert.equal(config.getFeatureInfo(name).expires.toJSON(), EXPIRES);
  },
});

function database(t) {
  return { persistPath: join(t.tempDir(), 'config.db'), environment: 'eu' };
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}
