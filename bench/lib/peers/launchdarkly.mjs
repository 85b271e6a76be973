// @ts-check
// LaunchDarkly, evaluated here: its server SDK with the test data source, the one that needs no connection and can be
// changed, and without analytics events, diagnostics and log. Its answers are promises. Contexts are made beforehand.
import { basicLogger, init } from '@launchdarkly/node-server-sdk';
import { TestData } from '@launchdarkly/node-server-sdk/integrations';
import { isOn, names, PERCENT, ROLLED_OUT } from '../flags.mjs';

/** Parts of 100,000, as LaunchDarkly counts. */
const WEIGHT = PERCENT * 1000;

export async function open() {
  const data = new TestData();
  for (const name of names) await data.update(data.flag(name).booleanFlag().variationForAll(isOn(name)));
  // The builder knows no percentages, so this flag is given as LaunchDarkly's servers send it.
  await data.usePreconfiguredFlag({
    key: ROLLED_OUT,
    version: 1,
    on: true,
    variations: [true, false],
    offVariation: 1,
    fallthrough: {
      rollout: {
        contextKind: 'user',
        variations: [
          { variation: 0, weight: WEIGHT },
          { variation: 1, weight: 100_000 - WEIGHT },
        ],
      },
    },
    salt: ROLLED_OUT,
    prerequisites: [],
    targets: [],
    rules: [],
  });
  const client = init('bench', {
    updateProcessor: data.getFactory(),
    sendEvents: false,
    diagnosticOptOut: true,
    logger: basicLogger({ level: 'none' }),
  });
  await client.waitForInitialization({ timeout: 10 });
  const anonymous = toUser('anonymous');
  return {
    isOn: (/** @type {string} */ name) => client.boolVariation(name, anonymous, false),
    isDebugOn: () => client.boolVariation('debug', anonymous, false),
    toUser,
    isOnFor: (/** @type {ReturnType<typeof toUser>} */ user) => client.boolVariation(ROLLED_OUT, user, false),
    set: (/** @type {boolean} */ on) => data.update(data.flag('debug').variationForAll(on)),
  };
}

/** @param {string} key */
const toUser = (key) => ({ kind: 'user', key });
