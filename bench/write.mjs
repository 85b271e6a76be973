// @ts-check
// Changing flags and terminal settings in memory.
import { createProductionConfig } from '../types/index.mjs';
import { compare } from './lib/compare.mjs';
import { figure, ratio } from './lib/judge.mjs';
import { OPERATIONS } from './lib/loops.mjs';
import { handWritten, RAW, raw } from './lib/memory.mjs';
import { writers } from './lib/peers.mjs';

const METRICS = 4;
const GENERATION = 4;

const FLIP = '`enableFeature`, `disableFeature`';
const NO_CHANGE = '`enableFeature`';

/** @param {ReturnType<typeof createProductionConfig>} config */
function flipping(config) {
  return {
    operations: OPERATIONS,
    expected: OPERATIONS,
    run() {
      let changed = 0;
      for (let i = 0; i < OPERATIONS; i += 2) {
        if (config.enableFeature('metrics')) changed += 1;
        if (config.disableFeature('metrics')) changed += 1;
      }
      return changed;
    },
  };
}

await compare(import.meta.url, [
  {
    title: 'Flip, on and off in turn',
    contestants: {
      'by hand: `Atomics.or` or `and`, then `add` to a counter'() {
        const { words } = handWritten();
        return {
          operations: OPERATIONS,
          expected: OPERATIONS,
          run() {
            let changed = 0;
            for (let i = 0; i < OPERATIONS; i += 2) {
              if ((Atomics.or(words, 2, METRICS) & METRICS) === 0) {
                Atomics.add(words, GENERATION, 1);
                changed += 1;
              }
              if ((Atomics.and(words, 2, ~METRICS) & METRICS) !== 0) {
                Atomics.add(words, GENERATION, 1);
                changed += 1;
              }
            }
            return changed;
          },
        };
      },
      [FLIP]: () => flipping(createProductionConfig()),
      'the same with `enableClusterSync`': () =>
        flipping(createProductionConfig({ enableClusterSync: true, clusterName: `bench-${process.pid}` })),
      '`toggleFeature`'() {
        const config = createProductionConfig();
        return {
          operations: OPERATIONS,
          expected: OPERATIONS / 2,
          run() {
            let on = 0;
            for (let i = 0; i < OPERATIONS; i += 1) if (config.toggleFeature('metrics')) on += 1;
            return on;
          },
        };
      },
      ...writers(),
    },
    goals: [figure('flip', FLIP)],
    notes: [
      'unleash-client takes flags from its server only, config is immutable after the first `get`, and conf writes its file ' +
        'at each change, which is measured with what is durable.',
    ],
  },
  {
    title: 'Enable what is on already',
    contestants: {
      [RAW]: raw,
      'by hand: `Atomics.or`'() {
        const { words } = handWritten();
        words[2] = METRICS;
        return {
          operations: OPERATIONS,
          expected: 0,
          run() {
            let changed = 0;
            for (let i = 0; i < OPERATIONS; i += 1) {
              if ((Atomics.or(words, 2, METRICS) & METRICS) === 0) changed += 1;
            }
            return changed;
          },
        };
      },
      [NO_CHANGE]() {
        const config = createProductionConfig();
        config.enableFeature('metrics');
        return {
          operations: OPERATIONS,
          expected: 0,
          run() {
            let changed = 0;
            for (let i = 0; i < OPERATIONS; i += 1) if (config.enableFeature('metrics')) changed += 1;
            return changed;
          },
        };
      },
    },
    goals: [ratio('flipNothing', NO_CHANGE, RAW)],
  },
  {
    title: 'Terminal settings',
    contestants: {
      'by hand: `Atomics.exchange`, then `add` to a counter'() {
        const { words } = handWritten();
        return {
          operations: OPERATIONS,
          expected: OPERATIONS,
          run() {
            let changed = 0;
            for (let i = 0; i < OPERATIONS; i += 1) {
              const word = 2 | ((1 + (i & 127)) << 8) | (80 << 16);
              if (Atomics.exchange(words, 3, word) !== word) {
                Atomics.add(words, GENERATION, 1);
                changed += 1;
              }
            }
            return changed;
          },
        };
      },
      '`setTerminalSettings(2, rows, 80)`'() {
        const config = createProductionConfig();
        return {
          operations: OPERATIONS,
          expected: 1 + ((OPERATIONS - 1) & 127),
          run() {
            for (let i = 0; i < OPERATIONS; i += 1) config.setTerminalSettings(2, 1 + (i & 127), 80);
            return config.rows;
          },
        };
      },
    },
  },
  {
    title: 'Flags and terminal as one change',
    contestants: {
      'by hand: 64-bit `Atomics.compareExchange`, then `add` to a counter'() {
        const { words, words64 } = handWritten();
        return {
          operations: OPERATIONS,
          expected: OPERATIONS,
          run() {
            let changed = 0;
            for (let i = 0; i < OPERATIONS; i += 1) {
              const terminal = BigInt(2 | ((1 + (i & 127)) << 8) | (80 << 16)) << 32n;
              let state = Atomics.load(words64, 1);
              for (;;) {
                const wanted = terminal | ((state & 0xffff_ffffn) ^ 4n);
                const before = Atomics.compareExchange(words64, 1, state, wanted);
                if (before === state) break;
                state = before;
              }
              Atomics.add(words, GENERATION, 1);
              changed += 1;
            }
            return changed;
          },
        };
      },
      '`update` with two changes'() {
        const config = createProductionConfig();
        return {
          operations: OPERATIONS,
          expected: OPERATIONS,
          run() {
            let changed = 0;
            for (let i = 0; i < OPERATIONS; i += 1) {
              const on = (i & 1) === 0;
              const rows = 1 + (i & 127);
              const isChange = config.update((draft) => {
                draft.set('metrics', on);
                draft.terminal(2, rows, 80);
              });
              if (isChange) changed += 1;
            }
            return changed;
          },
        };
      },
    },
  },
]);
