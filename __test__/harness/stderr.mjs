// @ts-check
import { stripVTControlCharacters } from 'node:util';

/**
 * What a program wrote to stderr, without the lines that Bun itself writes there in wine 8 whenever it starts.
 *
 * @param {string} text
 */
export function ownStderr(text) {
  return process.platform === 'win32'
    ? text
        .split(/(?<=\n)/)
        .filter(isOwn)
        .join('')
    : text;
}

/** @param {string} line in grey if it is Bun's and colours are asked for */
const isOwn = (line) => !stripVTControlCharacters(line).startsWith('Internal error: directory mismatch');
