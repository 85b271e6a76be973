// @ts-check

/**
 * What a program wrote to stderr, without the lines that Bun itself writes there in wine 8 whenever it starts.
 *
 * @param {string} text
 */
export function ownStderr(text) {
  return process.platform === 'win32' ? text.replaceAll(/^Internal error: directory mismatch .*\r?\n/gm, '') : text;
}
