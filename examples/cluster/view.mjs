// What a thread tells of its config.
import { FEATURES } from './features.mjs';

/**
 * @typedef {import('13byte-config').ProductionConfig<any>} Config
 *
 * @typedef {object} View
 * @property {string[]} enabled
 * @property {string} hex
 * @property {number} generation
 * @property {boolean} isValid
 *
 * @typedef {object} Change
 * @property {number} thread 0 for the main one
 * @property {string[]} enabled
 * @property {boolean} local
 */

/**
 * @param {Config} config
 * @returns {View}
 */
export function lookAt(config) {
  return {
    enabled: config.getEnabledFeatures(),
    hex: config.toHex(),
    generation: config.getDebugView().generation,
    isValid: config.validate().isValid,
  };
}

/**
 * @param {Config} config
 * @param {number} thread
 * @param {(message: { change: Change }) => void} tell
 */
export function reportChanges(config, thread, tell) {
  config.on('change', (change) => {
    // Not what the workers flip as fast as they can.
    const enabled = change.enabled.filter((name) => FEATURES.includes(/** @type {any} */ (name)));
    if (enabled.length > 0) tell({ change: { thread, enabled, local: change.local } });
  });
}
