// @ts-check
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm } from './npm.mjs';
import { step } from './progress.mjs';

/**
 * Installs a directory's locked dependencies unless exactly these are installed already.
 *
 * @param {string} directory
 * @param {string} what for the progress line
 */
export async function ensureInstalled(directory, what) {
  const stamp = join(directory, 'node_modules', '.lock-sha256');
  const wanted = createHash('sha256')
    .update(readFileSync(join(directory, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  // Install scripts stay off: nothing we use needs one, and npm may block them anyway.
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  await step(`Installing ${what}`, () => npm(args, directory));
  writeFileSync(stamp, wanted);
}
