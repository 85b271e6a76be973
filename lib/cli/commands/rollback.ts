import type { CommandDefinition } from '../command';
import { usageError } from '../errors';
import { wholeNumber } from '../options';
import { goTo, needHistory, printRestored } from '../restore';

export const rollback: CommandDefinition = {
  name: 'rollback',
  summary: 'go back to an earlier revision',
  description:
    'Without a number to the one before the current state, so that repeating it walks back. It is a new revision itself, and ' +
    'can be taken back. Features that the revision did not know stay as they are.',
  arguments: [{ term: '[revision]', summary: 'its number, as history lists them' }],
  changes: true,
  examples: [
    'rollback --db ./config.db --env production',
    'rollback 42 --reason "incident 7"',
    'rollback --if-revision 43',
  ],
  run: async (invocation) => {
    const { target } = invocation;
    needHistory(target, 'rollback');
    if (target.create) throw usageError('rollback goes without --create: there has to be a history to go back in');
    const [text] = invocation.arguments as [string | undefined];
    const revision = text === undefined ? undefined : wholeNumber(text, 'revision', 1, Number.MAX_SAFE_INTEGER);
    const result = await goTo(target, (config, options) => config.rollback(revision, options));
    printRestored(invocation, result, `back to revision ${result.restoredFrom}`);
  },
};
