import { changeNote, makeChange } from '../change';
import type { CommandDefinition, Invocation } from '../command';
import { featureStates } from '../features';

const FEATURES = [{ term: '<features...>', summary: 'names of features', completion: 'features' }] as const;

export const enable: CommandDefinition = {
  name: 'enable',
  summary: 'turn features on, all or none',
  arguments: FEATURES,
  changes: true,
  examples: ['enable new_feature --db ./config.db --env production', 'enable metrics caching --reason "incident 42"'],
  run: (invocation) => switchFeatures(invocation, true),
};

export const disable: CommandDefinition = {
  name: 'disable',
  summary: 'turn features off, all or none',
  arguments: FEATURES,
  changes: true,
  examples: [
    'disable maintenance_mode --db ./config.db --env production',
    'disable beta_feature --no-persist',
    'disable beta_feature --if-revision 12',
  ],
  run: (invocation) => switchFeatures(invocation, false),
};

async function switchFeatures(invocation: Invocation, on: boolean): Promise<void> {
  const names = [...new Set(invocation.arguments[0] as string[])];
  const before = new Map<string, boolean>();
  const result = await makeChange(invocation, {
    command: [on ? 'enable' : 'disable', ...names],
    features: names,
    apply(config) {
      for (const name of names) before.set(name, config.isFeatureEnabled(name));
      return config.update((draft) => (on ? draft.enable(...names) : draft.disable(...names)));
    },
    isIn: (config) => names.every((name) => config.isFeatureEnabled(name) === on),
    describe: (config) => ({
      features: featureStates(config, names, (name) => ({ changed: before.get(name) !== on })),
    }),
  });
  const { output } = invocation;
  output.result(result, () => {
    const lines = result.features.map(
      ({ name, enabled, changed }) => `${name} is ${output.onOrOff(enabled)}${changed ? '' : ', as before'}`,
    );
    return [...lines, output.colors.dim(changeNote(result))].join('\n');
  });
}
