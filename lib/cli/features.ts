import type { ProductionConfig } from '13byte-config';
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

export function featureTable(output: Output, features: readonly FeatureState[]): string {
  const rows = features.map(({ name, enabled, rollout }) => [name, output.onOrOff(enabled), `${rollout}%`]);
  return output.table(['feature', 'state', 'rollout'], rows);
}
