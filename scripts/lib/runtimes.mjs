// @ts-check
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { inRoot } from './paths.mjs';
import { run } from './process.mjs';

/**
 * @typedef {object} Runtime
 * @property {string} id `bun`, `node-20`, …
 * @property {'bun' | 'node'} name
 * @property {string} version without a leading v
 * @property {string} path of the executable
 */

const directory = inRoot('__test__', 'runtimes');
const minimumBun = '1.4.5';

/**
 * The runtimes we claim to support, as far as they exist for this platform.
 *
 * @returns {Promise<{ runtimes: Runtime[], missing: string[] }>}
 */
export async function allRuntimes() {
  await ensureInstalled(directory, 'Bun and Node in every supported version');
  const ids = declaredRuntimes();
  /** @type {Runtime[]} */
  const runtimes = [];
  for (const id of ids) {
    const runtime = id === 'bun' ? await installedBun() : await installedNode(id);
    if (runtime) runtimes.push(runtime);
  }
  // Where no Node builds are packaged, the Node that runs this script stands in.
  if (!runtimes.some(({ name }) => name === 'node')) runtimes.push(thisNode());
  const missing = ids.filter((id) => !runtimes.some((runtime) => runtime.id === id));
  return { runtimes, missing };
}

/**
 * A Bun to run programs on: the user's own if it is recent enough, else the pinned one.
 *
 * @returns {Promise<Runtime>}
 */
export async function anyBun() {
  const own = await probe('bun', 'bun');
  if (own && atLeast(own.version, minimumBun)) return own;
  await ensureInstalled(directory, 'Bun');
  const pinned = await installedBun();
  if (!pinned) throw new Error(`No Bun runs here: install Bun ${minimumBun} or later, or use \`-- --node\``);
  return pinned;
}

/** @returns {Runtime} the Node that runs this script */
export function thisNode() {
  const version = process.versions.node;
  return { id: `node-${version.split('.')[0]}`, name: 'node', version, path: process.execPath };
}

/** The runtimes named in the manifest, in its order. */
function declaredRuntimes() {
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  return Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
}

/**
 * The `bun` package links its executable in an install script, which we do not run. npm
 * has installed the platform's variants next to it, so we take the first one that starts.
 */
async function installedBun() {
  const scope = join(directory, 'node_modules', '@oven');
  const variants = existsSync(scope) ? readdirSync(scope) : [];
  for (const variant of variants.toSorted()) {
    for (const file of ['bun', 'bun.exe']) {
      const runtime = await probe('bun', join(scope, variant, 'bin', file));
      if (runtime) return runtime;
    }
  }
  return undefined;
}

/** @param {string} id */
async function installedNode(id) {
  return probe(id, join(directory, 'node_modules', id, 'bin', 'node'));
}

/**
 * @param {string} id
 * @param {string} path
 * @returns {Promise<Runtime | undefined>} nothing if it does not start
 */
async function probe(id, path) {
  try {
    const { ok, output } = await run(path, ['--version'], { timeoutMs: 30_000 });
    const version = output.trim().replace(/^v/, '');
    return ok ? { id, name: id === 'bun' ? 'bun' : 'node', version, path } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} version
 * @param {string} minimum
 */
function atLeast(version, minimum) {
  return version.localeCompare(minimum, 'en', { numeric: true }) >= 0;
}
