// @ts-check
// OpenFeature's server SDK with its own in-memory provider, without hooks and logging. Its answers are promises. Its
// in-memory provider has no percentages, only functions that a program brings itself.
import { InMemoryProvider, OpenFeature } from '@openfeature/server-sdk';
import { isOn, names } from '../flags.mjs';

export async function open() {
  const states = [false, true].map((isDebugOn) => flags(isDebugOn));
  const provider = new InMemoryProvider(flags(true));
  await OpenFeature.setProviderAndWait(provider);
  const client = OpenFeature.getClient();
  return {
    isOn: (/** @type {string} */ name) => client.getBooleanValue(name, false),
    isDebugOn: () => client.getBooleanValue('debug', false),
    // Flags are replaced as a whole; both states are made beforehand.
    set: async (/** @type {boolean} */ on) => provider.putConfiguration(states[Number(on)] ?? {}),
  };
}

/** @param {boolean} isDebugOn */
function flags(isDebugOn) {
  return Object.fromEntries(
    names.map((name) => [
      name,
      {
        variants: { on: true, off: false },
        defaultVariant: (name === 'debug' ? isDebugOn : isOn(name)) ? 'on' : 'off',
        disabled: false,
      },
    ]),
  );
}
