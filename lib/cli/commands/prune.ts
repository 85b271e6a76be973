import { createInterface } from 'node:readline/promises';
import type { CommandDefinition } from '../command';
import { CliError, usageError } from '../errors';
import { wholeNumber } from '../options';
import { pathText } from '../output';
import { withProgress } from '../progress';
import { changing, identityOf, needDatabase, reading } from '../session';

export const prune: CommandDefinition = {
  name: 'prune',
  summary: 'remove the oldest revisions of an environment, for good',
  description:
    'The newest ones stay, and with the current state and the one that rollback goes to, all that came after these. On a terminal ' +
    'it asks first; elsewhere it wants --yes.',
  options: [
    {
      flags: '--keep <number>',
      summary: 'how many of the newest stay',
      parse: (text) => wholeNumber(text, '--keep', 1, 2 ** 32 - 1),
    },
    { flags: '--yes', summary: 'do not ask' },
  ],
  examples: ['prune --keep 10000 --db ./config.db --env production', 'prune --keep 10000 --yes'],
  run: async ({ options, target, output }) => {
    const db = needDatabase(target.db);
    const { keep, yes = false } = options as { keep?: number; yes?: boolean };
    if (keep === undefined) throw usageError('How many revisions stay? Say it with --keep <number>');
    if (!yes) {
      if (!process.stdin.isTTY || !process.stderr.isTTY || output.json) {
        throw usageError('prune removes revisions for good: say --yes where nobody can be asked');
      }
      const environment = await reading(target, async ({ config }) => config.environment);
      await ask(`Remove all but the newest ${keep} revisions of ${environment} in ${pathText(db)}, for good?`);
    }
    await changing(
      { ...target, persist: true },
      () => {},
      async (session) => {
        const pruned = await withProgress(output, 'prune', 'what was removed before stays removed', (work) =>
          session.config.prune({ ...work, keep }),
        );
        output.result(
          { ...identityOf(session), ...pruned },
          () =>
            `${pruned.removed} revisions were removed, ${pruned.kept} are left${pruned.oldest === null ? '' : `, from ${pruned.oldest} on`}`,
        );
      },
    );
  },
};

/** Throws unless the answer is yes. Ctrl-C and the end of the input are a no. */
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
