// A party, thread or process, that does nothing but look until the other one has answered, in every way to read a
// config. Were a look taken once and kept, the loop would never end.
import assert from 'node:assert/strict';
import { parentPort, workerData } from 'node:worker_threads';
import { attachConfig } from '13byte-config';

const { handle, role } = workerData ?? JSON.parse(process.argv[2]);
const config = attachConfig(handle);
const [MINE, THEIRS] = role === 'lead' ? ['ping', 'pong'] : ['pong', 'ping'];
const feature = config.feature(THEIRS);
const KEY = 'user-1';

/** How each party says it, and how the other one looks for it. */
const ways = {
  isFeatureEnabled: {
    say: (on) => config.setFeature(MINE, on),
    look(on) {
      while (config.isFeatureEnabled(THEIRS) !== on);
    },
  },
  feature: {
    say: (on) => config.setFeature(MINE, on),
    look(on) {
      while (feature.enabled !== on);
    },
  },
  isFeatureEnabledFor: {
    say: (on) => config.setFeature(MINE, on),
    look(on) {
      while (config.isFeatureEnabledFor(THEIRS, KEY) !== on);
    },
  },
  getRollout: {
    say: (on) => config.setRollout(MINE, on ? 25 : 75),
    look(on) {
      while ((config.getRollout(THEIRS) === 25) !== on);
    },
  },
  getDebugView: {
    say: (on) => config.setFeature(MINE, on),
    look(on) {
      while (config.getDebugView().features.enabled.includes(THEIRS) !== on);
    },
  },
  terminal: {
    say: (on) => config.setTerminalSettings(role === 'lead' ? 1 : 3, on ? 50 : 24, 80),
    look(on) {
      const mode = role === 'lead' ? 3 : 1;
      while (config.terminalMode !== mode || (config.rows === 50) !== on);
    },
  },
};

const ROUNDS = 200;
const optimizer = optimizerOfV8();
for (const [name, { say, look }] of Object.entries(ways)) {
  let optimizedLooks = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const on = round % 2 === 0;
    // What was learned since may have undone it.
    if (round > ROUNDS / 4 && !optimizer?.hasOptimized(look)) optimizer?.optimize(look);
    if (role === 'lead') say(on);
    look(on);
    if (role === 'follow') say(on);
    if (optimizer?.hasOptimized(look)) optimizedLooks += 1;
  }
  if (optimizer)
    assert.ok(optimizedLooks > ROUNDS / 4, `${name}: ${optimizedLooks} of ${ROUNDS} looks by optimised code`);
}
if (parentPort) parentPort.postMessage('done');
else console.log('done');

/** Where `--allow-natives-syntax` lets programs use it. */
function optimizerOfV8() {
  if (!process.execArgv.includes('--allow-natives-syntax')) return undefined;
  const status = new Function('look', 'return %GetOptimizationStatus(look)');
  const optimize = new Function('look', '%PrepareFunctionForOptimization(look); %OptimizeFunctionOnNextCall(look)');
  // The bits of a status are not the same in all versions, but a function that does nothing stays optimised.
  optimize(nothing);
  nothing();
  return { optimize, hasOptimized: (look) => (status(look) & status(nothing)) === status(nothing) };
}

function nothing() {}
