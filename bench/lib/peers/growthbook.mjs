// @ts-check
// GrowthBook, evaluated here: its client for Node (`GrowthBookClient`), with the features given at once (`initSync` with a
// payload), no server, and no tracking. A user's context is made once, as its documentation has it for each request.
import { GrowthBookClient } from '@growthbook/growthbook';
import { isOn, names, PERCENT, ROLLED_OUT } from '../flags.mjs';

export async function open() {
  const payloads = [false, true].map((isDebugOn) => ({ features: features(isDebugOn) }));
  const client = new GrowthBookClient().initSync({ payload: { features: features(true) } });
  const anonymous = { attributes: {} };
  return {
    isOn: (/** @type {string} */ name) => client.isOn(name, anonymous),
    isDebugOn: () => client.isOn('debug', anonymous),
    toUser: (/** @type {string} */ id) => ({ attributes: { id } }),
    isOnFor: (/** @type {{ attributes: { id: string } }} */ user) => client.isOn(ROLLED_OUT, user),
    // Features are replaced as a whole; both states are made beforehand.
    set: (/** @type {boolean} */ on) => client.setPayload(payloads[Number(on)] ?? {}),
  };
}

/** @param {boolean} isDebugOn */
function features(isDebugOn) {
  return {
    ...Object.fromEntries(names.map((name) => [name, { defaultValue: name === 'debug' ? isDebugOn : isOn(name) }])),
    [ROLLED_OUT]: { defaultValue: false, rules: [{ force: true, coverage: PERCENT / 100, hashAttribute: 'id' }] },
  };
}
