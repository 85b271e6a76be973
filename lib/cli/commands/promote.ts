import type { ProductionConfig } from '13byte-config';
import type { CommandDefinition } from '../command';
import { printable } from '../../core/errors';
import { CliError } from '../errors';
import type { Target } from '../options';
import { goTo, needHistory, printRestored } from '../restore';
import { noDatabase } from '../session';
import { hint } from '../suggest';

export const promote: CommandDefinition = {
  name: 'promote',
  summary: 'copy the last persisted state of another environment',
  description: 'Copies it to the environment of --env, as a new revision that can be rolled back.',
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
    const result = await goTo(
      target,
      (config, options) => config.promote(from, options),
      (config) => checkSource(target, config, from),
    );
    printRestored(invocation, result, `${result.environment} is as revision ${result.restoredFrom} of ${from}`);
  },
};

async function checkSource(target: Target, config: ProductionConfig<string>, from: string): Promise<void> {
  if (config.getDebugView().store.status === 'none') throw noDatabase(target, true);
  const environments = await config.getEnvironments();
  if (environments.includes(from)) return;
  const available = printable(environments.join(', '), 1000) || 'none';
  throw new CliError(
    'ERR_NOTHING_TO_PROMOTE',
    `Environment ${printable(from)} has no persisted state to promote.${hint(from, environments)} Available: ${available}`,
  );
}
