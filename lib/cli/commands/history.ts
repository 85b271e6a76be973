import type { HistoryEntry } from '13byte-config';
import { MAX_HISTORY_LIMIT } from '../../core/limits';
import type { CommandDefinition } from '../command';
import { wholeNumber } from '../options';
import { oneLine } from '../output';
import { identityOf, needDatabase, reading } from '../session';

const DEFAULT_LIMIT = 20;

export const history: CommandDefinition = {
  name: 'history',
  summary: 'list the revisions, newest first',
  options: [
    {
      flags: '--limit <number>',
      summary: `how many at most, 1-${MAX_HISTORY_LIMIT}; default: ${DEFAULT_LIMIT}`,
      parse: (text) => wholeNumber(text, '--limit', 1, MAX_HISTORY_LIMIT),
    },
    {
      flags: '--before <revision>',
      summary: 'only revisions before this one, to read on',
      parse: (text) => wholeNumber(text, '--before', 1, Number.MAX_SAFE_INTEGER),
    },
  ],
  examples: ['history --db ./config.db --env production', 'history --limit 100 --before 42', 'history --json'],
  run: ({ options, target, output }) => {
    needDatabase(target.db);
    return reading(target, async (session) => {
      const { limit = DEFAULT_LIMIT, before } = options as { limit?: number; before?: number };
      const entries = await session.config.getHistory(limit, before === undefined ? {} : { before });
      const revisions = entries.map(describe);
      output.result({ ...identityOf(session), revisions }, () => {
        const rows = revisions.map(({ revision, createdAt, actor, reason, changes }) => [
          `${revision}`,
          createdAt,
          oneLine(actor),
          oneLine(reason),
          changes.join(', '),
        ]);
        return rows.length === 0 ? 'no revisions' : output.table(['revision', 'when', 'who', 'why', 'changes'], rows);
      });
    });
  },
};

function describe({
  revision,
  changeReason,
  actor,
  createdAt,
  restoredFrom,
  changes,
  configHex,
  digest,
}: HistoryEntry) {
  return {
    revision,
    createdAt: createdAt.toISOString(),
    actor,
    reason: changeReason,
    restoredFrom,
    changes,
    configHex,
    digest,
  };
}
