import { changeNote, makeChange, showInstead } from '../change';
import type { CommandDefinition, Invocation } from '../command';
import { featureStates, parsePercent, PERCENTAGES } from '../features';

export const rollout: CommandDefinition = {
  name: 'rollout',
  summary: 'show or set the percentage of keys that a feature is on for',
  description: 'Does not turn the feature on or off. Raising the percentage only adds keys.',
  arguments: [
    { term: '<feature>', summary: 'name of a feature', completion: 'features' },
    { term: '[percent]', summary: '0 to 100 in steps of 0.01', completion: PERCENTAGES },
  ],
  changes: true,
  examples: [
    'rollout beta_feature --db ./config.db',
    'rollout beta_feature 10',
    'rollout beta_feature 0.5 --reason "first users"',
  ],
  run: async (invocation) => {
    const { output } = invocation;
    const [name, text] = invocation.arguments as [string, string | undefined];
    const result = text === undefined ? await show(invocation, name) : await set(invocation, name, parsePercent(text));
    output.result(result, () => {
      const line = `${name} is rolled out to ${result.rollout}%${result.enabled ? '' : `, but is ${output.onOrOff(false)}`}`;
      return text === undefined ? line : `${line}\n${output.colors.dim(changeNote(result))}`;
    });
  },
};

interface Rollout {
  readonly name: string;
  readonly enabled: boolean;
  readonly rollout: number;
  /** The percentage before. */
  readonly previous: number;
}

function show(invocation: Invocation, name: string) {
  return showInstead(invocation, [name], (config): Rollout => {
    const [feature] = featureStates(config, [name], () => ({ previous: config.getRollout(name) }));
    return feature!;
  });
}

function set(invocation: Invocation, name: string, percent: number) {
  return makeChange(invocation, {
    command: ['rollout', name, `${percent}`],
    features: [name],
    edit: (draft) => draft.rollout(name, percent),
    isIn: (config) => config.getRollout(name) === percent,
    describe(config, before): Rollout {
      const [feature] = featureStates(config, [name], () => ({ previous: before.features[name]!.rollout }));
      return feature!;
    },
  });
}
