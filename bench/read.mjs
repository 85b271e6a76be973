// @ts-check
// Reading flags and views.
import { createProductionConfig, DEFAULT_FEATURES } from '../index.mjs';
import { compare } from './lib/compare.mjs';
import { handWritten, OPERATIONS } from './lib/memory.mjs';

// Eight features in turn, as code that asks for many has it; some are on.
const names = DEFAULT_FEATURES.slice(0, 8);

function privateConfig() {
  const config = createProductionConfig();
  config.enableFeature('debug');
  config.enableFeature('metrics');
  return config;
}

function sharedConfig() {
  const config = createProductionConfig({ enableClusterSync: true, clusterName: `bench-${process.pid}` });
  config.enableFeature('debug');
  config.enableFeature('metrics');
  return config;
}

/** @param {ReturnType<typeof createProductionConfig>} config */
function byName(config) {
  return {
    operations: OPERATIONS,
    run() {
      let on = 0;
      for (let i = 0; i < OPERATIONS; i += 1) {
        if (config.isFeatureEnabled(/** @type {string} */ (names[i & 7]))) on += 1;
      }
      return on;
    },
  };
}

/**
 * Makes objects and keeps the last one, so that none of them can be left out.
 *
 * @param {() => object} make
 */
function repeated(make) {
  return {
    operations: OPERATIONS,
    run() {
      let last;
      for (let i = 0; i < OPERATIONS; i += 1) last = make();
      return last;
    },
  };
}

await compare(import.meta.url, [
  {
    title: 'Is it on? Eight features in turn',
    contestants: {
      'by hand: `(Atomics.load(words, 2) & masks[i & 7]) !== 0`'() {
        const { words } = handWritten();
        const masks = names.map((_name, bit) => 1 << bit);
        words[2] = 0b101;
        return {
          operations: OPERATIONS,
          run() {
            let on = 0;
            for (let i = 0; i < OPERATIONS; i += 1) {
              if ((Atomics.load(words, 2) & /** @type {number} */ (masks[i & 7])) !== 0) on += 1;
            }
            return on;
          },
        };
      },
      '`config.isFeatureEnabled(names[i & 7])`': () => byName(privateConfig()),
      'the same with `enableClusterSync`': () => byName(sharedConfig()),
      '`features[i & 7].enabled`'() {
        const config = privateConfig();
        const features = names.map((name) => config.feature(name));
        return {
          operations: OPERATIONS,
          run() {
            let on = 0;
            for (let i = 0; i < OPERATIONS; i += 1) if (features[i & 7]?.enabled) on += 1;
            return on;
          },
        };
      },
    },
  },
  {
    title: 'Is it on? One feature',
    contestants: {
      'by hand: `(Atomics.load(words, 2) & 4) !== 0`'() {
        const { words } = handWritten();
        words[2] = 0b101;
        return {
          operations: OPERATIONS,
          run() {
            let on = 0;
            for (let i = 0; i < OPERATIONS; i += 1) if ((Atomics.load(words, 2) & 4) !== 0) on += 1;
            return on;
          },
        };
      },
      "`config.isFeatureEnabled('metrics')`"() {
        const config = privateConfig();
        return {
          operations: OPERATIONS,
          run() {
            let on = 0;
            for (let i = 0; i < OPERATIONS; i += 1) if (config.isFeatureEnabled('metrics')) on += 1;
            return on;
          },
        };
      },
    },
  },
  {
    title: 'Debug view',
    contestants: {
      'by hand: an object from two atomic loads'() {
        const { words } = handWritten();
        words[2] = 0b101;
        words[3] = 0x0050_1802;
        return repeated(() => {
          const flags = Atomics.load(words, 2);
          const terminal = Atomics.load(words, 3);
          return {
            enabled: names.filter((_name, bit) => (flags >>> bit) & 1),
            disabled: names.filter((_name, bit) => !((flags >>> bit) & 1)),
            dimensions: `${(terminal >>> 8) & 0xff}x${(terminal >>> 16) & 0xff}`,
          };
        });
      },
      '`config.getDebugView()`, nothing changed'() {
        const config = privateConfig();
        return repeated(() => config.getDebugView());
      },
      '`config.getDebugView()` after a flip'() {
        const config = privateConfig();
        return repeated(() => {
          config.toggleFeature('debug');
          return config.getDebugView();
        });
      },
    },
  },
]);
