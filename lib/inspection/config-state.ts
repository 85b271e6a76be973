import { checkBoolean, checkKeys, checkObject } from '../core/checks';
import type { FeatureTable } from '../core/feature-table';
import { FULL_ROLLOUT, MAX_FEATURES, RECORD_VERSION } from '../core/layout';
import { packRecord, type Page, readPageState } from '../core/page';
import { checkPercent, toPercent } from '../core/rollout';
import type { Mutable } from '../core/state';
import { packTerminal } from '../core/terminal';
import type { ConfigState } from '../types';

/** The state of a page, with its features in bit order. */
export function readConfigState(page: Page, { names }: FeatureTable): ConfigState {
  const { flags, terminal, rollouts } = readPageState(page);
  const features: Mutable<ConfigState['features']> = {};
  names.forEach((name, bit) => {
    features[name] = { enabled: (flags & (1 << bit)) !== 0, rollout: toPercent(rollouts?.[bit] ?? FULL_ROLLOUT) };
  });
  return { terminal, features };
}

/** A state for the store, with the bits of the features that it covers. */
export interface GivenState {
  readonly record: number[];
  /** Basis points by bit. */
  readonly rollouts: number[];
  readonly known: number;
}

/** Checks a given state. `maskOf` returns the flag of a feature, or throws. */
export function checkState(value: unknown, maskOf: (name: string) => number): GivenState {
  const { terminal, features } = checkKeys(value, 'state', ['terminal', 'features']);
  const { mode, rows, cols } = checkKeys(terminal, 'terminal', ['mode', 'rows', 'cols']);
  const word = packTerminal(mode, rows, cols);
  const rollouts = Array.from({ length: MAX_FEATURES }, () => FULL_ROLLOUT);
  let [flags, known] = [0, 0];
  for (const [name, feature] of Object.entries(checkObject(features, 'features'))) {
    const mask = maskOf(name);
    const { enabled, rollout } = checkKeys(feature, `feature ${name}`, ['enabled', 'rollout']);
    known |= mask;
    if (checkBoolean(enabled, `${name}.enabled`)) flags |= mask;
    rollouts[31 - Math.clz32(mask)] = checkPercent(rollout);
  }
  // The store sets the registry hash.
  const record = packRecord(RECORD_VERSION, 0, flags, word);
  return { record: [...record], rollouts, known: known >>> 0 };
}
