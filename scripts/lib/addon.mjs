// @ts-check
import { existsSync } from 'node:fs';
import { inRoot } from './paths.mjs';

/** The addon that was built for this machine. Those of other platforms may lie beside it. */
export function addonFile() {
  const file = inRoot('native', `binding.${process.platform}-${process.arch}${abi()}.node`);
  if (!existsSync(file)) throw new Error(`There is no addon for this machine: ${file}`);
  return file;
}

function abi() {
  if (process.platform === 'win32') return '-msvc';
  if (process.platform !== 'linux') return '';
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return header.glibcVersionRuntime === undefined ? '-musl' : '-gnu';
}
