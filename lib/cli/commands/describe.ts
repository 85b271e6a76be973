import type { CommandDefinition } from '../command';
import { featureStates, notesOf } from '../features';
import { lastChanges } from '../last-change';
import { oneLine } from '../output';
import { identityOf, reading } from '../session';
import { checkFeatureNames } from '../suggest';

export const describe: CommandDefinition = {
  name: 'describe',
  summary: 'show what a feature is, whose it is, and when it was last changed',
  description:
    'Description, owner and expiry are those that programs declare in their features option. The last change is that of the ' +
    'history, so what is live and not persisted yet is not in it.',
  arguments: [{ term: '<feature>', summary: 'name of a feature', completion: 'features' }],
  examples: ['describe beta_feature --db ./config.db --env production', 'describe beta_feature --json'],
  run: ({ arguments: [name], target, output }) =>
    reading(target, async (session) => {
      const { config } = session;
      checkFeatureNames([name as string], config);
      const [feature] = featureStates(config, [name as string], (own) => notesOf(config, own));
      const { changes } =
        target.db === undefined ? { changes: undefined } : await lastChanges(config, [name as string]);
      const lastChange = changes?.get(name as string) ?? null;
      output.result({ ...identityOf(session), ...feature!, lastChange }, () => {
        const { enabled, rollout, bit, description, owner, expires, expired } = feature!;
        const pairs: [string, string][] = [
          ['feature', feature!.name],
          ['state', output.onOrOff(enabled)],
          ['rollout', `${rollout}%`],
          ['bit', `${bit}`],
        ];
        if (description !== null) pairs.push(['description', oneLine(description)]);
        if (owner !== null) pairs.push(['owner', oneLine(owner)]);
        if (expires !== null) pairs.push(['expires', expired ? output.colors.yellow(`${expires}, past`) : expires]);
        pairs.push([
          'last change',
          lastChange
            ? `revision ${lastChange.revision}, ${lastChange.at}, ${oneLine(lastChange.actor)}: ${oneLine(lastChange.reason)}`
            : 'none in the history',
        ]);
        return output.pairs(pairs);
      });
    }),
};
