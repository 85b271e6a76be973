// @ts-check
// A registry on loopback that holds our packages alone: an installer that asks for another one gets a 404.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

/**
 * @typedef {import('./packages.mjs').Packed} Packed
 *
 * @typedef {object} Registry
 * @property {string} url with a slash at its end
 */

/** Long enough ago for installers that wait before they take a new version. */
const PUBLISHED = '2026-01-01T00:00:00.000Z';

/**
 * @param {readonly Packed[]} packages
 * @returns {Promise<Registry>}
 */
export async function startRegistry(packages) {
  const byName = new Map(packages.map((packed) => [packed.name, packed]));
  /** @type {Registry} */
  const registry = { url: '' };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', registry.url).pathname).slice(1);
    const [name = '', file] = path.split('/-/');
    const packed = byName.get(name);
    if (!packed || request.method !== 'GET') {
      response.writeHead(404).end('{}');
    } else if (file === undefined) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(packument(packed, registry)));
    } else {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(readFileSync(packed.file));
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  // The tests end without it, whatever keeps connections open.
  server.unref();
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the registry has no port');
  registry.url = `http://127.0.0.1:${address.port}/`;
  return registry;
}

/**
 * @param {Packed} packed
 * @param {Registry} registry
 */
function packument({ name, manifest, integrity, shasum }, { url }) {
  const { version } = manifest;
  const tarball = `${url}${name}/-/${name.split('/').at(-1)}-${version}.tgz`;
  return {
    name,
    'dist-tags': { latest: version },
    time: { created: PUBLISHED, modified: PUBLISHED, [version]: PUBLISHED },
    versions: { [version]: { ...manifest, _id: `${name}@${version}`, dist: { integrity, shasum, tarball } } },
  };
}
