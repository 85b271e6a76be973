import { makeConfig, ProductionConfig } from './config';
import type { Parts } from './internals';
import { Stopwatch } from './inspection/timings';

/** The operations that `debugMode` times. */
const TIMED = [
  'isFeatureEnabled',
  'enableFeature',
  'disableFeature',
  'setFeature',
  'toggleFeature',
  'isFeatureEnabledFor',
  'setRollout',
  'getEnabledFeatures',
  'update',
  'updateFromBuffer',
  'updateFromBanks',
  'setTerminalSettings',
  'getTerminalSettings',
  'toBytes',
  'toBanks',
  'getDebugView',
  'getState',
  'validate',
  'persist',
  'persistSync',
  'load',
  'getHistory',
  'rollback',
  'retireFeature',
  'reviveFeature',
  'getRetiredFeatures',
  'apply',
  'commit',
  'diff',
  'promote',
  'verify',
  'prune',
  'backup',
  'getMetrics',
  'metricsText',
] as const satisfies readonly (keyof ProductionConfig<any>)[];

type Method = (this: ProductionConfig<any>, ...args: unknown[]) => unknown;

const stopwatches = new WeakMap<ProductionConfig<any>, Stopwatch>();

/** A config that times its operations. A class of its own, so that other configs pay nothing for it. */
class TimedConfig extends ProductionConfig<any> {}

for (const operation of TIMED) {
  const untimed = ProductionConfig.prototype[operation] as Method;
  const timed: Method = function (...args) {
    const stopwatch = stopwatches.get(this);
    return stopwatch ? stopwatch.time(operation, () => untimed.apply(this, args)) : untimed.apply(this, args);
  };
  Object.defineProperty(TimedConfig.prototype, operation, { value: timed, writable: true, configurable: true });
}

/** Makes a config that times its operations. */
export function timedConfig({ settings, ...parts }: Parts): ProductionConfig<any> {
  const stopwatch = new Stopwatch();
  const config = makeConfig({ ...parts, settings: { ...settings, stopwatch } }, TimedConfig);
  stopwatches.set(config, stopwatch);
  return config;
}
