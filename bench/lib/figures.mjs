// @ts-check
// Figures as people read them.

/** @typedef {'ns' | 'bytes' | 'per second' | 'times' | 'instructions'} Unit */

/** @param {number[]} values */
export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/**
 * @param {number} value
 * @param {Unit} unit
 */
export function show(value, unit) {
  switch (unit) {
    case 'ns':
      return duration(value);
    case 'bytes':
      return size(value);
    case 'per second':
      return `${Math.round(value).toLocaleString('en')} a second`;
    case 'instructions':
      return Math.round(value).toLocaleString('en');
    case 'times':
      return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ×`;
  }
}

/**
 * @param {number} nanoseconds
 * @returns {string}
 */
function duration(nanoseconds) {
  if (nanoseconds < 0) return `-${duration(-nanoseconds)}`;
  if (nanoseconds >= 1e9) return `${(nanoseconds / 1e9).toFixed(2)} s`;
  if (nanoseconds >= 1e6) return `${(nanoseconds / 1e6).toFixed(2)} ms`;
  return nanoseconds >= 1e3 ? `${(nanoseconds / 1e3).toFixed(1)} µs` : `${nanoseconds.toFixed(1)} ns`;
}

/** @param {number} bytes */
function size(bytes) {
  return bytes >= 2 ** 20 ? `${(bytes / 2 ** 20).toFixed(2)} MiB` : `${Math.round(bytes)} bytes`;
}
