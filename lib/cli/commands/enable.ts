import type { FeatureState } from '13byte-config';
import { changeNote, makeChange } from '../change';
import type { CommandDefinition, Invocation } from '../command';
import { featureStates, parsePercent, PERCENTAGES } from '../features';

const FEATURES = [{ term: '<features...>', summary: 'names of features', completion: 'features' }] as const;

export const enable: CommandDefinition = {
  name: 'enable',
  summary: 'turn features on, all or none',
  arguments: FEATURES,
  options: [
    {
      flags: '--rollout <percent>',
      summary: 'and for this percentage of keys, 0 to 100 in steps of 0.01: nobody sees one without the other',
      completion: PERCENTAGES,
      parse: parsePercent,
    },
  ],
  changes: true,
  examples: [
    'enable new_feature --db ./config.db --env production',
    'enable metrics caching --reason "incident 42"',
    'enable beta_feature --rollout 10',
  ],
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
  const { rollout } = invocation.options as { rollout?: number };
  const { output } = invocation;
  const isSo = ({ enabled, rollout: percent }: FeatureState) =>
    enabled === on && (rollout === undefined || percent === rollout);
  const result = await makeChange(invocation, {
    command: [on ? 'enable' : 'disable', ...names, ...(rollout === undefined ? [] : ['--rollout', `${rollout}`])],
    features: names,
    edit(draft) {
      for (const name of names) {
        if (on) draft.enable(name, { rollout });
        else draft.disable(name);
      }
    },
    isIn: (config) => featureStates(config, names).every(isSo),
    describe: (config, before) => ({
      features: featureStates(config, names, (name) => ({ changed: !isSo(before.features[name]!) })),
    }),
  });
  output.result(result, () => {
    const lines = result.features.map(({ name, enabled, rollout: percent, changed }) => {
      const part = rollout === undefined ? '' : ` for ${percent}%`;
      return `${name} is ${output.onOrOff(enabled)}${part}${changed ? '' : ', as before'}`;
    });
    return [...lines, output.colors.dim(changeNote(result))].join('\n');
  });
}
