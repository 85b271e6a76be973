import type { ProductionConfig } from '13byte-config';
import { show } from '../core/errors';
import { usageError } from './errors';
import type { Output } from './output';

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

/** For the completion of rollouts. */
export const PERCENTAGES = ['0', '1', '10', '50', '100'];

/** The library checks the range and the steps. */
export function parsePercent(text: string): number {
  if (/^\d+(\.\d+)?%?$/.test(text)) return Number.parseFloat(text);
  throw usageError(`Invalid percent: ${show(text)} (must be a number, 0-100)`);
}
