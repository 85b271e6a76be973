// @ts-check
// Reading flags and views, by us and by what a user would pick instead.
import assert from 'node:assert/strict';
import { OpenFeature } from '@openfeature/server-sdk';
import { createProductionConfig } from '../types/index.mjs';
import { ConfigProvider } from '../dist/openfeature.mjs';
import { compare } from './lib/compare.mjs';
import { isOn, manyNames, names, PERCENT, ROLLED_OUT } from './lib/flags.mjs';
import { figure, ratio, speedUp } from './lib/judge.mjs';
import { asking, askingAsync, askingForUsers, askingForUsersAsync, OPERATIONS } from './lib/loops.mjs';
import { handWritten, RAW, raw } from './lib/memory.mjs';
import { namesOf, readers, readersForUsers, readersOfOne } from './lib/peers.mjs';

/** @param {import('../types/index.mjs').ConfigOptions} [options] */
function makeConfig(options) {
  const config = createProductionConfig(options);
  for (const name of names) if (isOn(name)) config.enableFeature(/** @type {any} */ (name));
  config.enableFeature(ROLLED_OUT);
  config.setRollout(ROLLED_OUT, PERCENT);
  return config;
}

const sharedConfig = () => makeConfig({ enableClusterSync: true, clusterName: `bench-${process.pid}` });

/** @param {ReturnType<typeof createProductionConfig>} config */
function byName(config) {
  return {
    ...asking((name) => config.isFeatureEnabled(/** @type {any} */ (name))),
    run() {
      let on = 0;
      for (let i = 0; i < OPERATIONS; i += 1) {
        if (config.isFeatureEnabled(/** @type {any} */ (names[i & 7]))) on += 1;
      }
      return on;
    },
  };
}

/**
 * Names that a program asks for before its reads are optimised, such as of users' input, shape what the engine makes of
 * them. They are short, so that a look-up that reads a certain letter finds none.
 *
 * @param {ReturnType<typeof createProductionConfig>} config
 */
function afterUnknownNames(config) {
  for (let i = 0; i < 5000; i += 1) {
    for (const name of ['', 'x'])
      assert.throws(() => config.isFeatureEnabled(/** @type {any} */ (name)), { code: 'ERR_UNKNOWN_FEATURE' });
  }
  return config;
}

/**
 * Whether it is on in that config.
 *
 * @param {string} name
 */
const isSo = (name) => manyNames.indexOf(name) % 2 === 0;

/** A config of 256 features, of which each other one is on. */
function makeLargeConfig() {
  const config = createProductionConfig({ features: manyNames });
  for (const [index, name] of manyNames.entries()) if (index % 2 === 0) config.enableFeature(name);
  return config;
}

/**
 * Asks for some of the features of such a config, in turn.
 *
 * @param {readonly string[]} some
 */
function byOneOfMany(some) {
  const config = makeLargeConfig();
  const last = some.length - 1;
  for (const name of some) assert.equal(config.isFeatureEnabled(name), isSo(name));
  return {
    operations: OPERATIONS,
    expected: Array.from({ length: OPERATIONS }, (_, i) => some[i & last]).filter((name) => isSo(String(name))).length,
    run() {
      let on = 0;
      for (let i = 0; i < OPERATIONS; i += 1)
        if (config.isFeatureEnabled(/** @type {string} */ (some[i & last]))) on += 1;
      return on;
    },
  };
}

/** Behind OpenFeature's SDK, as its own in-memory provider is. */
async function openFeatureClient() {
  const config = makeConfig();
  await OpenFeature.setProviderAndWait(/** @type {any} */ (new ConfigProvider(config)));
  return OpenFeature.getClient();
}

const ONE = "`config.isFeatureEnabled('debug')`";
const HANDLE = "`config.feature('debug').enabled`, the feature made once";
const VARYING = '`config.isFeatureEnabled(names[i & 7])`';
const AFTER_UNKNOWN = 'the same, after 10,000 unknown short names were refused first';
const MANY = '256 features in turn';
const SOME_OF_MANY = 'eight of 256 features in turn';
const FOR_KEY = '`config.isFeatureEnabledFor(name, key)`';
const VIEW = '`config.getDebugView()`, nothing changed';
const CHANGED_VIEW = '`config.getDebugView()` after a flip';
const NEW_VIEW = '`config.getDebugView()` of a state that was not seen lately, 11 features';
const NEW_VIEW_OF_MANY = 'the same, 256 features';

await compare(import.meta.url, [
  {
    title: 'Is it on? One feature, constant name',
    contestants: {
      [RAW]: raw,
      [ONE]() {
        const config = makeConfig();
        return {
          operations: OPERATIONS,
          expected: OPERATIONS,
          run() {
            let on = 0;
            for (let i = 0; i < OPERATIONS; i += 1) if (config.isFeatureEnabled('debug')) on += 1;
            return on;
          },
        };
      },
      [HANDLE]() {
        const config = makeConfig();
        const debug = config.feature('debug');
        return {
          operations: OPERATIONS,
          expected: OPERATIONS,
          run() {
            let on = 0;
            for (let i = 0; i < OPERATIONS; i += 1) if (debug.enabled) on += 1;
            return on;
          },
        };
      },
      ...readersOfOne(),
    },
    goals: [ratio('readConstant', ONE, RAW), ratio('readHandle', HANDLE, RAW)],
  },
  {
    title: 'Is it on? Eight features in turn',
    contestants: {
      [RAW]: raw,
      'by hand: `(Atomics.load(view, 2) & masks[i & 7]) !== 0`'() {
        const { words: view } = handWritten();
        const masks = names.map((_name, bit) => 1 << bit);
        view[2] = 0b101;
        return {
          operations: OPERATIONS,
          expected: OPERATIONS / 4,
          run() {
            let on = 0;
            for (let i = 0; i < OPERATIONS; i += 1) {
              if ((Atomics.load(view, 2) & /** @type {number} */ (masks[i & 7])) !== 0) on += 1;
            }
            return on;
          },
        };
      },
      [VARYING]: () => byName(makeConfig()),
      'the same with `enableClusterSync`': () => byName(sharedConfig()),
      [AFTER_UNKNOWN]: () => byName(afterUnknownNames(makeConfig())),
      [SOME_OF_MANY]: () => byOneOfMany([3, 40, 77, 110, 130, 170, 201, 255].map((bit) => String(manyNames[bit]))),
      [MANY]: () => byOneOfMany(manyNames),
      '`features[i & 7].enabled`'() {
        const config = makeConfig();
        const features = names.map((name) => config.feature(/** @type {any} */ (name)));
        return {
          ...asking((name) => features[names.indexOf(name)]?.enabled ?? false),
          run() {
            let on = 0;
            for (let i = 0; i < OPERATIONS; i += 1) if (features[i & 7]?.enabled) on += 1;
            return on;
          },
        };
      },
      'OpenFeature, `13byte-config/openfeature`: `await getBooleanValue(name, false)`': async () => {
        const client = await openFeatureClient();
        return askingAsync((name) => client.getBooleanValue(name, false));
      },
      ...readers(),
    },
    goals: [
      ratio('readVarying', VARYING, RAW),
      ratio('readAfterUnknown', AFTER_UNKNOWN, VARYING),
      ratio('readMany', MANY, VARYING),
      ratio('readManyInTurn', MANY, SOME_OF_MANY),
      speedUp(
        'readFlagLibraries',
        VARYING,
        namesOf('isOn', ({ kind }) => kind === 'flags'),
      ),
      // What every process sees. The cache of lmdb is each thread's own.
      speedUp(
        'readLmdb',
        VARYING,
        namesOf('isOn', ({ name }) => name === 'lmdb' || name === 'lmdb, bytes'),
      ),
      speedUp(
        'readSqlite',
        VARYING,
        namesOf('isOn', ({ name }) => name.includes('sqlite')),
      ),
    ],
  },
  {
    title: `Is it on for this user? ${PERCENT} % of all, keys of 16 characters`,
    contestants: {
      [RAW]: raw,
      [FOR_KEY]() {
        const config = makeConfig();
        return askingForUsers(
          (key) => config.isFeatureEnabledFor(ROLLED_OUT, key),
          (key) => key,
        );
      },
      '`feature.isEnabledFor(key)`, the feature made once'() {
        const feature = makeConfig().feature(ROLLED_OUT);
        return askingForUsers(
          (key) => feature.isEnabledFor(key),
          (key) => key,
        );
      },
      'OpenFeature, `13byte-config/openfeature`: `await getBooleanValue(name, false, context)`': async () => {
        const client = await openFeatureClient();
        return askingForUsersAsync(
          (context) => client.getBooleanValue(ROLLED_OUT, false, context),
          (targetingKey) => ({ targetingKey }),
        );
      },
      ...readersForUsers(),
    },
    goals: [figure('rollout', FOR_KEY), speedUp('rolloutPeers', FOR_KEY, namesOf('isOnFor'))],
    notes: ["OpenFeature's in-memory provider, config, convict and conf have no rollouts by percentage."],
  },
  {
    title: 'Debug view',
    contestants: {
      'by hand: an object from two atomic loads'() {
        const { words } = handWritten();
        words[2] = 0b101;
        words[3] = 0x0050_1802;
        return repeated(
          () => {
            const flags = Atomics.load(words, 2);
            const terminal = Atomics.load(words, 3);
            return {
              enabled: names.filter((_name, bit) => (flags >>> bit) & 1),
              disabled: names.filter((_name, bit) => !((flags >>> bit) & 1)),
              dimensions: `${(terminal >>> 8) & 0xff}x${(terminal >>> 16) & 0xff}`,
            };
          },
          ({ enabled, dimensions }) => enabled.join() === 'debug,metrics' && dimensions === '24x80',
        );
      },
      [VIEW]() {
        const config = makeConfig();
        const first = config.getDebugView();
        assert.ok(Object.isFrozen(first));
        return repeated(
          () => config.getDebugView(),
          (view) => view === first,
        );
      },
      [CHANGED_VIEW]() {
        const config = makeConfig();
        return repeated(
          () => {
            config.toggleFeature('debug');
            return config.getDebugView();
          },
          ({ features }) => features.enabled.includes('debug') === config.isFeatureEnabled('debug'),
        );
      },
      [NEW_VIEW]: () => newViews(makeConfig()),
      [NEW_VIEW_OF_MANY]: () => newViews(makeLargeConfig()),
    },
    goals: [
      figure('viewSame', VIEW),
      figure('viewChanged', CHANGED_VIEW),
      ratio('viewMany', NEW_VIEW_OF_MANY, NEW_VIEW),
    ],
  },
]);

/**
 * Views of more states than a config keeps: those that a counter in its first features takes.
 *
 * @param {any} config
 */
function newViews(config) {
  const counted = config.getFeatureNames().slice(0, 10);
  let count = 0;
  return repeated(
    () => {
      count = (count + 1) % 2 ** counted.length;
      config.featureFlags = count;
      return config.getDebugView();
    },
    ({ features }) => features.enabled.filter((name) => counted.includes(name)).length === bitsOf(count),
  );
}

/** @param {number} number */
function bitsOf(number) {
  return [...number.toString(2)].filter((digit) => digit === '1').length;
}

/**
 * Makes objects and keeps the last one, so that none of them can be left out.
 *
 * @template {object} Made
 * @param {() => Made} make
 * @param {(made: Made) => boolean} isRight
 */
function repeated(make, isRight) {
  for (let i = 0; i < 2; i += 1) assert.ok(isRight(make()));
  return {
    operations: OPERATIONS,
    expected: true,
    run() {
      let last = make();
      for (let i = 1; i < OPERATIONS; i += 1) last = make();
      return isRight(last);
    },
  };
}
