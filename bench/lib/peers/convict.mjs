// @ts-check
// convict: a schema with a boolean for each feature, validated once.
import convict from 'convict';
import { isOn, names } from '../flags.mjs';

export async function open() {
  const config = convict(Object.fromEntries(names.map((name) => [name, { format: Boolean, default: isOn(name) }])));
  config.validate();
  return {
    isOn: (/** @type {string} */ name) => config.get(name),
    isDebugOn: () => config.get('debug'),
    set: (/** @type {boolean} */ on) => void config.set('debug', on),
  };
}
