import { checkRevision, defaultReason, persist as persistNow } from '../change';
import type { CommandDefinition } from '../command';
import { usageError } from '../errors';
import { changing, identityOf, needDatabase } from '../session';

export const persist: CommandDefinition = {
  name: 'persist',
  summary: 'persist the live state as it is',
  description: 'It makes a revision in any case, also of a state that the last one has.',
  changes: true,
  examples: ['persist --db ./config.db --env production --reason "as it was when we left"'],
  run: async ({ target, output }) => {
    needDatabase(target.db);
    if (!target.persist) throw usageError('persist goes without --no-persist');
    await changing(
      target,
      () => {},
      async (session) => {
        await checkRevision(session.config, target);
        const {
          revision,
          changeReason: reason,
          actor,
          createdAt,
          changes,
        } = await persistNow(session.config, target, defaultReason(['persist']));
        const result = {
          ...identityOf(session),
          changed: false,
          persisted: true,
          revision,
          reason,
          actor,
          createdAt: createdAt.toISOString(),
          changes,
        };
        output.result(result, () =>
          [
            `persisted as revision ${revision}${changes.length === 0 ? ', the same as the one before' : ''}`,
            ...changes,
          ].join('\n'),
        );
      },
    );
  },
};
