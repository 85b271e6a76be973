// @ts-check
import { readdirSync } from 'node:fs';
import { inRoot } from './paths.mjs';

/** The addon that was built for this machine. */
export function addonFile() {
  const directory = inRoot('native');
  const name = readdirSync(directory).find(
    (file) => file.startsWith(`binding.${process.platform}-${process.arch}`) && file.endsWith('.node'),
  );
  if (name === undefined) throw new Error(`There is no addon for ${process.platform} ${process.arch} in ${directory}`);
  return inRoot('native', name);
}
