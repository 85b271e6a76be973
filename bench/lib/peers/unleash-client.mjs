// @ts-check
// Unleash, whose flags come from its server and are evaluated here: with the flags given at the start (`bootstrap`, as
// its README has it for programs that must not wait for the server), kept in memory instead of a file, no polling
// (`refreshInterval: 0`) and no metrics, so that nothing but the answer is measured. Its one attempt to reach the server
// ends at a closed port before anything is timed.
import { once } from 'node:events';
import { InMemStorageProvider, Unleash } from 'unleash-client';
import { isOn, names, PERCENT, ROLLED_OUT } from '../flags.mjs';

export async function open() {
  const unleash = new Unleash({
    appName: 'bench',
    url: 'http://127.0.0.1:9/',
    refreshInterval: 0,
    disableMetrics: true,
    storageProvider: new InMemStorageProvider(),
    bootstrap: {
      data: [
        ...names.map((name) => flag(name, isOn(name), { name: 'default', parameters: {}, constraints: [] })),
        flag(ROLLED_OUT, true, {
          name: 'flexibleRollout',
          parameters: { rollout: String(PERCENT), stickiness: 'userId', groupId: ROLLED_OUT },
          constraints: [],
        }),
      ],
    },
  });
  // The server that cannot be reached.
  unleash.on('error', () => {}).on('warn', () => {});
  await once(unleash, 'synchronized');
  return {
    isOn: (/** @type {string} */ name) => unleash.isEnabled(name),
    isDebugOn: () => unleash.isEnabled('debug'),
    toUser: (/** @type {string} */ userId) => ({ userId }),
    isOnFor: (/** @type {{ userId: string }} */ user) => unleash.isEnabled(ROLLED_OUT, user),
  };
}

/**
 * @param {string} name
 * @param {boolean} enabled
 * @param {import('unleash-client/lib/strategy/strategy.js').StrategyTransportInterface} strategy
 */
function flag(name, enabled, strategy) {
  return {
    name,
    enabled,
    strategies: [strategy],
    type: 'release',
    stale: false,
    impressionData: false,
    project: 'bench',
    variants: [],
  };
}
