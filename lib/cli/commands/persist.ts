import { committing, defaultReason, ifRevision, openersOf } from '../change';
import type { CommandDefinition } from '../command';
import { usageError } from '../errors';
import { changing, identityOf, needDatabase } from '../session';

export const persist: CommandDefinition = {
  name: 'persist',
  summary: 'persist the current live state',
  description: 'Always writes a revision, even if the last one has the same state.',
  changes: true,
  examples: ['persist --db ./config.db --env production --reason "end of day"'],
  run: async ({ target, output }) => {
    needDatabase(target.db);
    if (!target.persist) throw usageError('--no-persist cannot be combined with persist');
    await changing(
      target,
      () => {},
      async (session) => {
        const {
          revision,
          changeReason: reason,
          actor,
          createdAt,
          changes,
        } = await committing(session, false, () =>
          session.config.persist(target.reason ?? defaultReason(['persist']), ifRevision(target)),
        );
        const result = {
          ...identityOf(session),
          changed: false,
          persisted: true,
          revision,
          openIn: openersOf(session),
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
