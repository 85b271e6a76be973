import type { ConfigDiff } from '13byte-config';
import type { CommandDefinition } from '../command';
import { paintChanges } from '../differences';
import { wholeNumber } from '../options';
import { identityOf, needDatabase, reading } from '../session';

export const diff: CommandDefinition = {
  name: 'diff',
  summary: 'show the differences between two revisions',
  arguments: [
    { term: '<from>', summary: 'number of a revision' },
    { term: '[to]', summary: 'number of another revision; default: the last one' },
  ],
  examples: ['diff 41 42 --db ./config.db --env production', 'diff 41', 'diff 41 42 --json'],
  run: ({ arguments: [from, to], target, output }) => {
    needDatabase(target.db);
    const [first, second] = [from, to].map((text) => (text === undefined ? undefined : revisionOf(text as string)));
    return reading(target, async (session) => {
      const { config } = session;
      const found = await config.diff(first!, second ?? (await config.getHistory(1))[0]?.revision ?? first!);
      output.result({ ...identityOf(session), ...describe(found) }, () =>
        found.changes.length === 0 ? 'no differences' : paintChanges(output, found.changes).join('\n'),
      );
    });
  },
};

function revisionOf(text: string): number {
  return wholeNumber(text, 'revision', 1, Number.MAX_SAFE_INTEGER);
}

function describe({ from, to, enabled, disabled, rollouts = {}, terminal, changes }: ConfigDiff) {
  return { from, to, enabled, disabled, rollouts, terminal: terminal ?? null, changes };
}
