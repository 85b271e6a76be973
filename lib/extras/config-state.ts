import { checkBoolean, checkKeys, checkObject } from '../checks';
import type { FeatureTable } from '../feature-table';
import { FULL_ROLLOUT, MAX_FEATURES, RECORD_VERSION } from '../generated/layout';
import { packRecord, type Page, readPageState } from '../page';
import { checkPercent, toPercent } from '../rollout';
import type { Mutable } from './state';
import { packTerminal, type TerminalSettings } from '../terminal';

/** What a feature is set to. */
export interface FeatureState {
  /** Whether it is on. */
  readonly enabled: boolean;
  /** Per cent of all keys that it is on for while it is on, 0 to 100 in steps of 0.01. */
  readonly rollout: number;
}

/** A whole state by name: what {@link ProductionConfig.getState} gives and {@link ProductionConfig.apply} takes. */
export interface ConfigState<Name extends string = string> {
  /** Terminal mode, rows and columns. */
  readonly terminal: TerminalSettings;
  /** Features by name. Given to `apply`, those that are left out stay as they are. */
  readonly features: { readonly [name in Name]?: FeatureState };
}

/** The state of a page, with its features in bit order. */
export function readConfigState(page: Page, { names }: FeatureTable): ConfigState {
  const { flags, terminal, rollouts } = readPageState(page);
  const features: Mutable<ConfigState['features']> = {};
  names.forEach((name, bit) => {
    features[name] = { enabled: (flags & (1 << bit)) !== 0, rollout: toPercent(rollouts?.[bit] ?? FULL_ROLLOUT) };
  });
  return { terminal, features };
}

/** A state as the store takes it, with the bits of the features that it speaks of. */
export interface GivenState {
  readonly record: number[];
  /** Basis points by bit. */
  readonly rollouts: number[];
  readonly known: number;
}

/** Checks a state that somebody gives. `maskOf` gives the flag of a feature, or throws. */
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
  // The store sets the hash of its own names.
  const record = packRecord(RECORD_VERSION, 0, flags, word);
  return { record: [...record], rollouts, known: known >>> 0 };
}
