/** The settings that overrides consist of: each is read, set and restored through a config. */
import type { ProductionConfig, TerminalSettings } from '13byte-config';
import { checkKeys, checkObject } from '../core/checks';
import { makeError, show } from '../core/errors';
import { checkCols, checkRows, checkTerminalMode } from '../core/record';
import { checkPercent } from '../core/rollout';

type TerminalField = keyof TerminalSettings;

/** An overridden setting. A feature has two: its switch and its rollout. */
export type Setting =
  | { readonly kind: 'feature'; readonly name: string; readonly value: boolean }
  | { readonly kind: 'rollout'; readonly name: string; readonly value: number }
  | { readonly kind: 'terminal'; readonly name: TerminalField; readonly value: number };

const TERMINAL = 'terminal';
const TERMINAL_CHECKS = { mode: checkTerminalMode, rows: checkRows, cols: checkCols };
const TERMINAL_PROPERTIES = { mode: 'terminalMode', rows: 'rows', cols: 'cols' } as const;
const TERMINAL_FIELDS = Object.keys(TERMINAL_CHECKS) as TerminalField[];

/** The settings of the overrides, after all checks. */
export function settingsOf(config: ProductionConfig<any>, overrides: object): Setting[] {
  return Object.entries(checkObject(overrides, 'overrides'))
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]: [string, unknown]) =>
      name === TERMINAL && typeof value === 'object' ? terminalSettings(value) : featureSettings(config, name, value),
    );
}

function featureSettings(config: ProductionConfig<any>, name: string, value: unknown): Setting[] {
  // Throws for an unknown name.
  config.isFeatureEnabled(name);
  if (typeof value === 'boolean') {
    const set: Setting = { kind: 'feature', name, value };
    return value ? [set, { kind: 'rollout', name, value: 100 }] : [set];
  }
  if (typeof value !== 'number') {
    const wanted = 'true, false or the percent of keys that it is on for';
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

/** Refuses a value out of range, which a foreign state may hold: it could not be restored. */
export function checkRestorable(settings: readonly Setting[]): void {
  for (const { kind, name, value } of settings) if (kind === 'terminal') TERMINAL_CHECKS[name](value);
}

/** The current value of the same setting. */
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

/** Applies checked settings: no reader sees a feature with a rollout that does not belong to its switch. */
export function write(config: ProductionConfig<any>, settings: readonly Setting[]): void {
  config.update((draft) => {
    for (const { kind, name, value } of settings) {
      if (kind === 'feature') draft.set(name, value);
      if (kind === 'rollout') draft.rollout(name, value);
    }
  });
  // One by one, since each leaves concurrent changes of the others alone.
  for (const { kind, name, value } of settings) if (kind === 'terminal') config[TERMINAL_PROPERTIES[name]] = value;
}

export function isSame(a: Setting, b: Setting): boolean {
  return a.kind === b.kind && a.name === b.name;
}

/** Such as `feature debug`. */
export function nameOf({ kind, name }: Setting): string {
  return `${kind} ${name}`;
}
