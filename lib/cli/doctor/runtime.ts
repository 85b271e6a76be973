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
  const { bun, node } = process.versions;
  return [
    examineVersion(bun === undefined ? 'node' : 'bun', bun ?? node),
    examinePlatform(process.platform, process.arch),
    examineSharedMemory(),
    examineEnvironment(target),
  ];
}

export function examineVersion(name: 'bun' | 'node', version: string): Finding {
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

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  const index = than.findIndex((number, place) => version[place] !== number);
  return index !== -1 && (version[index] ?? 0) < (than[index] ?? 0);
}

export function examinePlatform(platform: string, arch: string): Finding {
  const shown = `${platform} ${arch}`;
  if (platform === 'win32') {
    return degraded(
      'platform',
      `On ${shown} programs cannot share live state`,
      'Changes reach programs when they load() or start',
    );
  }
  return platform === 'linux' && arch === 'x64'
    ? ok('platform', `${shown} is tested`)
    : degraded('platform', `The addon is built for ${shown} but not tested there`, 'Run your own tests there');
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
