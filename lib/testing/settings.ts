/** What overrides are made of: single settings that are read, made and put back through a config. */
import type { ProductionConfig, TerminalSettings } from '13byte-config';
import { checkKeys, checkObject } from '../core/checks';
import { makeError, show } from '../core/errors';
import { checkCols, checkRows, checkTerminalMode } from '../core/record';
import { checkPercent } from '../core/rollout';

type TerminalField = keyof TerminalSettings;

/** One thing that is overridden. A feature has two: its switch and its rollout. */
export type Setting =
  | { readonly kind: 'feature'; readonly name: string; readonly value: boolean }
  | { readonly kind: 'rollout'; readonly name: string; readonly value: number }
  | { readonly kind: 'terminal'; readonly name: TerminalField; readonly value: number };

const TERMINAL = 'terminal';
const TERMINAL_CHECKS = { mode: checkTerminalMode, rows: checkRows, cols: checkCols };
const TERMINAL_PROPERTIES = { mode: 'terminalMode', rows: 'rows', cols: 'cols' } as const;
const TERMINAL_FIELDS = Object.keys(TERMINAL_CHECKS) as TerminalField[];

/** What the overrides ask for, all of it checked. */
export function settingsOf(config: ProductionConfig<any>, overrides: object): Setting[] {
  return Object.entries(checkObject(overrides, 'overrides'))
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]: [string, unknown]) =>
      name === TERMINAL && typeof value === 'object' ? terminalSettings(value) : featureSettings(config, name, value),
    );
}

function featureSettings(config: ProductionConfig<any>, name: string, value: unknown): Setting[] {
  // Refuses an unknown name.
  config.isFeatureEnabled(name);
  if (typeof value === 'boolean') {
    const set: Setting = { kind: 'feature', name, value };
    return value ? [set, { kind: 'rollout', name, value: 100 }] : [set];
  }
  if (typeof value !== 'number') {
    const wanted = 'true, false or the per cent of keys that it is on for';
    throw makeError('ERR_INVALID_TYPE', `Invalid override of ${name}: ${show(value)} (must be ${wanted})`);
  }
  checkPercent(value);
  return [
    { kind: 'feature', name, value: true },
    { kind: 'rollout', name, value },
  ];
}

function terminalSettings(value: unknown): Setting[] {
  const given = checkKeys(value, TERMINAL, TERMINAL_FIELDS);
  return TERMINAL_FIELDS.filter((name) => given[name] !== undefined).map((name) => ({
    kind: 'terminal',
    name,
    value: TERMINAL_CHECKS[name](given[name]),
  }));
}

/** Refuses what a state from elsewhere may hold: a value out of range, which could not be set again. */
export function checkRestorable(settings: readonly Setting[]): void {
  for (const { kind, name, value } of settings) if (kind === 'terminal') TERMINAL_CHECKS[name](value);
}

/** The same setting, as it is now. */
export function read(config: ProductionConfig<any>, { kind, name }: Setting): Setting {
  switch (kind) {
    case 'feature':
      return { kind, name, value: config.isFeatureEnabled(name) };
    case 'rollout':
      return { kind, name, value: config.getRollout(name) };
    case 'terminal':
      return { kind, name, value: config.getTerminalSettings()[name] };
  }
}

/**
 * Makes settings that have been checked. First features are turned off, then rollouts change, then features are turned
 * on: nobody sees a feature that is off before or after with the rollout of the other time.
 */
export function write(config: ProductionConfig<any>, settings: readonly Setting[]): void {
  config.update((draft) => {
    for (const { kind, name, value } of settings) if (kind === 'feature' && !value) draft.disable(name);
  });
  for (const { kind, name, value } of settings) if (kind === 'rollout') config.setRollout(name, value);
  config.update((draft) => {
    for (const { kind, name, value } of settings) if (kind === 'feature' && value) draft.enable(name);
  });
  // One by one, since each keeps what others do to the rest.
  for (const { kind, name, value } of settings) if (kind === 'terminal') config[TERMINAL_PROPERTIES[name]] = value;
}

export function isSame(a: Setting, b: Setting): boolean {
  return a.kind === b.kind && a.name === b.name;
}

/** Such as `feature debug`. */
export function nameOf({ kind, name }: Setting): string {
  return `${kind} ${name}`;
}
