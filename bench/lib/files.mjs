// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { directory } from './settings.mjs';

/** A directory of one's own for the time of this process, on the disk that is measured. */
export function temporaryDirectory() {
  const path = mkdtempSync(join(directory, '13byte-config-bench-'));
  process.on('exit', () => rmSync(path, { recursive: true, force: true }));
  return path;
}
