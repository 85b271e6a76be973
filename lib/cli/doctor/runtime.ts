import { createProductionConfig } from '13byte-config';
import type { Target } from '../options';
import { degraded, failed, type Finding, ok } from './finding';

interface Support {
  readonly oldest: readonly [major: number, minor: number, patch: number];
  /** The major versions that are tested. */
  readonly tested: readonly number[];
}

const SUPPORT: { readonly [name in 'bun' | 'node']: Support } = {
  bun: { oldest: [1, 4, 5], tested: [1] },
  node: { oldest: [20, 19, 0], tested: [20, 22, 24, 26] },
};

/** The runtime, the platform and the environment variables. */
export function examineRuntime(target: Target): Finding[] {
  const { bun, deno, node } = process.versions;
  return [
    deno === undefined ? examineVersion(bun === undefined ? 'node' : 'bun', bun ?? node) : examineDeno(deno),
    examinePlatform(process.platform, process.arch),
    examineSharedMemory(),
    examineEnvironment(target),
  ];
}

function examineVersion(name: 'bun' | 'node', version: string): Finding {
  const { oldest, tested } = SUPPORT[name];
  const shown = `${name === 'bun' ? 'Bun' : 'Node'} ${version}`;
  const numbers = version.split('.').map((part) => Number.parseInt(part, 10));
  const [major = 0] = numbers;
  const oldestShown = oldest.join('.');
  if (isOlder(numbers, oldest))
    return failed('runtime', `${shown} is older than ${oldestShown}`, `Install version ${oldestShown} or later`);
  return tested.includes(major)
    ? ok('runtime', `${shown} is supported`)
    : degraded(
        'runtime',
        `${shown} is not among the tested versions`,
        `Use one of ${tested.map((one) => `${one}.x`).join(', ')} in production`,
      );
}

function examineDeno(version: string): Finding {
  return degraded(
    'runtime',
    `Deno ${version} is tested only as far as installing, the quick start and this command go`,
    'Use Bun or Node in production',
  );
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  const index = than.findIndex((number, place) => version[place] !== number);
  return index !== -1 && (version[index] ?? 0) < (than[index] ?? 0);
}

/** How the addon has been tested without a machine of the platform, as docs/platforms.md has it. */
const EMULATED: { readonly [platform: string]: string | undefined } = {
  'linux arm64': 'is tested under emulation, not on such a machine',
  'win32 x64': 'is tested with Bun under Wine, not on Windows',
};

function examinePlatform(platform: string, arch: string): Finding {
  const shown = `${platform} ${arch}`;
  if (shown === 'linux x64') return ok('platform', `${shown} is tested`);
  const emulated = EMULATED[shown];
  return degraded(
    'platform',
    emulated === undefined ? `The addon is built for ${shown} but has not been run there` : `${shown} ${emulated}`,
    'Run your own tests there',
  );
}

function examineSharedMemory(): Finding {
  const config = createProductionConfig({ environment: 'doctor' });
  const isShared = config.sharedBuffer !== undefined;
  config.destroy();
  return ok(
    'shared-array-buffer',
    isShared
      ? 'config.sharedBuffer is a SharedArrayBuffer over the live state'
      : 'config.sharedBuffer is undefined: not supported by this runtime. Everything else works',
  );
}

function examineEnvironment({ environment }: Target): Finding {
  const { NODE_ENV } = process.env;
  if (environment !== undefined)
    return ok('environment', `The environment is ${environment}, from --env or CONFIG13BYTE_ENV`);
  return NODE_ENV
    ? ok('environment', `The environment is ${NODE_ENV}, from NODE_ENV`)
    : degraded(
        'environment',
        'The environment is development, the default',
        'Set it with --env, CONFIG13BYTE_ENV or NODE_ENV',
      );
}
