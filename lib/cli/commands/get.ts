import type { CommandDefinition } from '../command';
import { usageError } from '../errors';
import { featureStates, featureTable, MATCH, matchingNames } from '../features';
import { oneLine } from '../output';
import { identityOf, reading } from '../session';
import { checkFeatureNames } from '../suggest';

interface Decision {
  /** Whether it is on for the key; `null` if none was given. */
  readonly decision: boolean | null;
}

export const get: CommandDefinition = {
  name: 'get',
  summary: 'show a feature, or all of them',
  description:
    'Prints `on` or `off` for one feature. With --key, that is the decision for this key: whether the feature is on and ' +
    'the key is within its rollout.',
  arguments: [{ term: '[feature]', summary: 'name of a feature; default: all', completion: 'features' }],
  options: [{ flags: '--key <key>', summary: 'decide for this key, such as a user id' }, MATCH],
  examples: ['get maintenance_mode --db ./config.db', 'get beta_feature --key user-123', 'get --json'],
  run: ({ arguments: [name], options, target, output }) =>
    reading(target, async (session) => {
      const { config } = session;
      const key = options.key as string | undefined;
      if (key === '') throw usageError('Invalid --key: "" (must not be empty)');
      if (typeof name === 'string' && options.match !== undefined) {
        throw usageError('--match cannot be combined with a feature');
      }
      if (typeof name === 'string') checkFeatureNames([name], config);
      const decide = (feature: string): Decision => ({
        decision: key === undefined ? null : config.isFeatureEnabledFor(feature, key),
      });
      const features = featureStates(
        config,
        typeof name === 'string' ? [name] : matchingNames(config, options),
        decide,
      );
      output.result({ ...identityOf(session), key: key ?? null, features }, () => {
        const [only] = features;
        if (typeof name === 'string' && only) return output.onOrOff(only.decision ?? only.enabled);
        if (key === undefined) return featureTable(output, features);
        const rows = features.map(({ name: feature, decision }) => [feature, output.onOrOff(decision === true)]);
        return output.table(['feature', `for ${oneLine(key)}`], rows);
      });
    }),
};
