import { createInterface } from 'node:readline/promises';
import { MAX_KEEP } from '../../core/limits';
import type { CommandDefinition } from '../command';
import { CliError, usageError } from '../errors';
import { wholeNumber } from '../options';
import { pathText } from '../output';
import { withProgress } from '../progress';
import { changing, identityOf, needDatabase } from '../session';

export const prune: CommandDefinition = {
  name: 'prune',
  summary: 'permanently remove the oldest revisions of an environment',
  description:
    'Keeps the newest ones, and everything since the current state and the one that rollback goes to. Asks first on a ' +
    'terminal; elsewhere it needs --yes.',
  options: [
    {
      flags: '--keep <number>',
      summary: 'how many of the newest to keep',
      parse: (text) => wholeNumber(text, '--keep', 1, MAX_KEEP),
    },
    { flags: '--yes', summary: 'do not ask' },
  ],
  examples: ['prune --keep 10000 --db ./config.db --env production', 'prune --keep 10000 --yes'],
  run: async ({ options, target, output }) => {
    const db = needDatabase(target.db);
    const { keep, yes = false } = options as { keep?: number; yes?: boolean };
    if (keep === undefined) throw usageError('prune needs --keep <number>: how many revisions to keep');
    if (!yes && (!process.stdin.isTTY || !process.stderr.isTTY || output.json)) {
      throw usageError('prune removes revisions permanently: pass --yes where it cannot ask');
    }
    await changing(
      { ...target, persist: true },
      async ({ environment }) => {
        if (yes) return;
        await ask(`Permanently remove all but the newest ${keep} revisions of ${environment} in ${pathText(db)}?`);
      },
      async (session) => {
        const pruned = await withProgress(output, 'prune', 'what was removed stays removed', (work) =>
          session.config.prune({ ...work, keep }),
        );
        output.result(
          { ...identityOf(session), ...pruned },
          () =>
            `removed ${pruned.removed} revisions, kept ${pruned.kept}${pruned.oldest === null ? '' : `, from ${pruned.oldest} on`}`,
        );
      },
    );
  },
};

/** Throws unless the answer is yes. Ctrl-C and the end of the input mean no. */
async function ask(question: string): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new AbortController();
  terminal.once('SIGINT', () => ended.abort()).once('close', () => ended.abort());
  const answer = await terminal.question(`${question} (y/N) `, { signal: ended.signal }).catch((error: unknown) => {
    if (ended.signal.aborted) return '';
    throw error;
  });
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('ERR_DECLINED', 'Nothing was removed');
}
