import type { ProductionConfig } from '13byte-config';
import { show } from '../core/errors';
import type { OptionDefinition } from './command';
import { CliError, usageError } from './errors';
import type { Output } from './output';
import { hint } from './suggest';

/** A feature in results. */
export interface FeatureState {
  readonly name: string;
  readonly enabled: boolean;
  /** In percent. */
  readonly rollout: number;
}

/** Features, all by default, with further details of each. */
export function featureStates<Details extends object = object>(
  config: ProductionConfig<string>,
  names: readonly string[] = config.getFeatureNames(),
  details: (name: string) => Details = () => ({}) as Details,
): (FeatureState & Details)[] {
  return names.map((name) =>
    Object.assign({ name, enabled: config.isFeatureEnabled(name), rollout: config.getRollout(name) }, details(name)),
  );
}

/** What programs have declared of a feature. */
export interface FeatureNotes {
  readonly bit: number | null;
  readonly description: string | null;
  readonly owner: string | null;
  readonly expires: string | null;
  /** Whether that is past. */
  readonly expired: boolean;
}

export function notesOf(config: ProductionConfig<string>, name: string): FeatureNotes {
  const { bit, description, owner, expires } = config.getFeatureInfo(name);
  const expired = expires !== null && expires.getTime() <= Date.now();
  return { bit, description, owner, expires: expires?.toISOString() ?? null, expired };
}

export function featureTable(output: Output, features: readonly FeatureState[]): string {
  const rows = features.map(({ name, enabled, rollout }) => [name, output.onOrOff(enabled), `${rollout}%`]);
  return output.table(['feature', 'state', 'rollout'], rows);
}

/** The option of commands that list features. */
export const MATCH: OptionDefinition = {
  flags: '--match <pattern>',
  summary: "only features whose names match, such as 'checkout.*': * stands for any characters",
};

/** The names of the features that match the pattern, if there is one. A pattern that none matches is probably misspelt. */
export function matchingNames(config: ProductionConfig<string>, { match }: { readonly match?: string }): string[] {
  const names = config.getFeatureNames();
  if (match === undefined) return names;
  const parts = match.split('*').map((part) => part.replaceAll(/[^\w-]/g, '\\$&'));
  const pattern = new RegExp(`^${parts.join('.*')}$`, 's');
  const found = names.filter((name) => pattern.test(name));
  if (found.length > 0) return found;
  throw new CliError(
    'ERR_UNKNOWN_FEATURE',
    `No feature matches ${show(match)}.${hint(match.replaceAll('*', ''), names)} Available: ${names.join(', ')}`,
  );
}

/** For the completion of rollouts. */
export const PERCENTAGES = ['0', '1', '10', '50', '100'];

/** The library checks the range and the steps. */
export function parsePercent(text: string): number {
  if (/^\d+(\.\d+)?%?$/.test(text)) return Number.parseFloat(text);
  throw usageError(`Invalid percent: ${show(text)} (must be a number, 0-100)`);
}
