import type { CommandDefinition } from '../command';
import { printable } from '../../core/errors';
import { CliError } from '../errors';
import { goTo, needHistory, printRestored } from '../restore';
import { readingPersisted } from '../session';
import { hint } from '../suggest';

export const promote: CommandDefinition = {
  name: 'promote',
  summary: 'take over the last persisted state of another environment',
  description:
    'The environment that takes it over is that of --env. It is a new revision there, and can be rolled back.',
  arguments: [{ term: '<from>', summary: 'the other environment of the same database', completion: 'environments' }],
  changes: true,
  examples: [
    'promote staging --db ./config.db --env production',
    'promote staging --reason "release 7" --if-revision 12',
  ],
  run: async (invocation) => {
    const { target } = invocation;
    needHistory(target, 'promote');
    const [from] = invocation.arguments as [string];
    // Before an environment or a database is begun for it.
    await readingPersisted(target, async (config) => {
      const environments = await config.getEnvironments();
      if (environments.includes(from)) return;
      throw new CliError(
        'ERR_NOTHING_TO_PROMOTE',
        `Environment ${printable(from)} has no persisted state to promote.${hint(from, environments)} There are: ${printable(environments.join(', '), 1000) || 'none'}`,
      );
    });
    const result = await goTo(target, (config, options) => config.promote(from, options));
    printRestored(invocation, result, `${result.environment} is as revision ${result.restoredFrom} of ${from}`);
  },
};
