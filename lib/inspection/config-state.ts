import { checkBoolean, checkKeys, checkObject } from '../core/checks';
import type { FeatureTable } from '../core/feature-table';
import { FULL_ROLLOUT, MAX_BANKS, MAX_FEATURES } from '../core/layout';
import type { NativeGiven } from '../native/binding';
import { banksFor, type Page } from '../core/page';
import { readPageState } from '../core/page-state';
import { checkPercent, toPercent } from '../core/rollout';
import { basisPointsOf, isOn, type Mutable } from '../core/state';
import { packTerminal, unpackTerminal } from '../core/terminal';
import type { ConfigState } from '../types';

/** The state of a page, with its features in bit order. */
export function readConfigState(page: Page, { names, retired }: FeatureTable): ConfigState {
  const state = readPageState(page, banksFor(names.length));
  const features: Mutable<ConfigState['features']> = {};
  names.forEach((name, bit) => {
    if (retired.has(bit)) return;
    features[name] = { enabled: isOn(state, bit), rollout: toPercent(basisPointsOf(state, bit)) };
  });
  return { terminal: unpackTerminal(state.terminal), features };
}

/** Checks a given state. `bitOf` returns the bit of a feature, or throws. */
export function checkState(value: unknown, bitOf: (name: string) => number): NativeGiven {
  const { terminal, features } = checkKeys(value, 'state', ['terminal', 'features']);
  const { mode, rows, cols } = checkKeys(terminal, 'terminal', ['mode', 'rows', 'cols']);
  const word = packTerminal(mode, rows, cols);
  const [flags, known] = [new Uint32Array(MAX_BANKS), new Uint32Array(MAX_BANKS)];
  const rollouts = Array.from({ length: MAX_FEATURES }, () => FULL_ROLLOUT);
  for (const [name, feature] of Object.entries(checkObject(features, 'features'))) {
    const bit = bitOf(name);
    const { enabled, rollout } = checkKeys(feature, `feature ${name}`, ['enabled', 'rollout']);
    known[bit >>> 5]! |= 1 << bit;
    if (checkBoolean(enabled, `${name}.enabled`)) flags[bit >>> 5]! |= 1 << bit;
    rollouts[bit] = checkPercent(rollout);
  }
  return { flags: [...flags], known: [...known], rollouts, terminal: word };
}
