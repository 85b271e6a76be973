// @ts-check
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * A path inside the repository.
 *
 * @param {string[]} segments
 */
export const inRoot = (...segments) => join(root, ...segments);

/**
 * A file of an installed development dependency. Tools are started through it, as
 * `node <file>`, because the shortcuts in `node_modules/.bin` differ between platforms.
 *
 * @param {string} file such as `typescript/bin/tsc`
 */
export const tool = (file) => inRoot('node_modules', ...file.split('/'));
