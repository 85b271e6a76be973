import type { CommandDefinition } from '../command';
import { usageError } from '../errors';
import { wholeNumber } from '../options';
import { goTo, needHistory, printRestored } from '../restore';

export const rollback: CommandDefinition = {
  name: 'rollback',
  summary: 'go back to an earlier revision',
  description:
    'Without a number, goes to the one before the current state, so that repeating it goes further back. Writes a new ' +
    'revision, which can be rolled back too. Features registered after that revision keep their current value.',
  arguments: [{ term: '[revision]', summary: 'its number, as listed by history' }],
  changes: true,
  examples: [
    'rollback --db ./config.db --env production',
    'rollback 42 --reason "incident 7"',
    'rollback --if-revision 43',
  ],
  run: async (invocation) => {
    const { target } = invocation;
    needHistory(target, 'rollback');
    if (target.create) throw usageError('--create cannot be combined with rollback, which needs a history');
    const [text] = invocation.arguments as [string | undefined];
    const revision = text === undefined ? undefined : wholeNumber(text, 'revision', 1, Number.MAX_SAFE_INTEGER);
    const result = await goTo(target, (config, options) => config.rollback(revision, options));
    printRestored(invocation, result, `back to revision ${result.restoredFrom}`);
  },
};
