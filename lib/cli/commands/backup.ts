import { MAX_PAGES_PER_STEP } from '../../core/limits';
import type { CommandDefinition } from '../command';
import { CliError } from '../errors';
import { wholeNumber } from '../options';
import { pathText } from '../output';
import { withProgress } from '../progress';
import { identityOf, needDatabase, readingPersisted } from '../session';

export const backup: CommandDefinition = {
  name: 'backup',
  summary: 'copy the database while it is in use',
  description:
    'Copies all environments. The copy gets its name once it is complete and on disk; a failed or interrupted backup leaves nothing behind.',
  arguments: [{ term: '<path>', summary: 'the file to create', completion: 'files' }],
  options: [
    { flags: '--overwrite', summary: 'replace the file if it exists' },
    {
      flags: '--pages-per-step <number>',
      summary: 'how many pages to copy before programs that persist get their turn',
      parse: (text) => wholeNumber(text, '--pages-per-step', 1, MAX_PAGES_PER_STEP),
    },
  ],
  examples: ['backup /backup/config.db --db ./config.db', 'backup /backup/config.db --overwrite'],
  run: async ({ arguments: [path], options, target, output }) => {
    needDatabase(target.db);
    const { overwrite = false, pagesPerStep } = options as { overwrite?: boolean; pagesPerStep?: number };
    await readingPersisted(target, async (config) => {
      const made = await withProgress(output, 'backup', 'no copy is left behind', (work) =>
        config
          .backup(path as string, { ...work, overwrite, ...(pagesPerStep !== undefined && { pagesPerStep }) })
          .catch(withOurOption),
      );
      output.result(
        { ...identityOf({ config, live: false, target }), ...made },
        () => `${pathText(made.path)} has ${made.revisions} revisions in ${made.bytes} bytes`,
      );
    });
  },
};

/** The option is written differently here. */
function withOurOption(error: unknown): never {
  const { code, message } = error as { code?: string; message?: string };
  if (code !== 'ERR_BACKUP') throw error;
  throw new CliError(code, message!.replace('pass overwrite: true', 'pass --overwrite'), { cause: error });
}
