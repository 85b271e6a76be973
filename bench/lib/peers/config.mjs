// @ts-check
// config (node-config): read once, immutable after the first `get`, as its documentation wants it. The values come from
// NODE_CONFIG, so that no file is looked for.
import { isOn, names } from '../flags.mjs';

export async function open() {
  process.env.NODE_CONFIG = JSON.stringify({ features: Object.fromEntries(names.map((name) => [name, isOn(name)])) });
  process.env.NODE_CONFIG_DIR = import.meta.dirname;
  process.env.SUPPRESS_NO_CONFIG_WARNING = '1';
  process.env.SUPPRESS_STRICTNESS_CHECK = '1';
  const { default: config } = await import('config');
  // The whole path is the name, made beforehand; a program would have it as a constant.
  const paths = Object.fromEntries(names.map((name) => [name, `features.${name}`]));
  return {
    isOn: (/** @type {string} */ name) => /** @type {boolean} */ (config.get(paths[name] ?? '')),
    isDebugOn: () => /** @type {boolean} */ (config.get('features.debug')),
  };
}
