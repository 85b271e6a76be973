import type { CommandDefinition } from '../command';
import { CliError } from '../errors';
import { wholeNumber } from '../options';
import { pathText } from '../output';
import { withProgress } from '../progress';
import { identityOf, needDatabase, readingPersisted } from '../session';

export const backup: CommandDefinition = {
  name: 'backup',
  summary: 'copy the whole database while it is in use',
  description:
    'All environments. The copy gets its name when it is whole and on disk; what failed or was ended leaves nothing behind.',
  arguments: [{ term: '<path>', summary: 'the file to make', completion: 'files' }],
  options: [
    { flags: '--overwrite', summary: 'replace the file if there is one' },
    {
      flags: '--pages-per-step <number>',
      summary: 'pages that are copied before programs that persist have their turn',
      parse: (text) => wholeNumber(text, '--pages-per-step', 1, 2 ** 31 - 1),
    },
  ],
  examples: ['backup /backup/config.db --db ./config.db', 'backup /backup/config.db --overwrite'],
  run: async ({ arguments: [path], options, target, output }) => {
    needDatabase(target.db);
    const { overwrite = false, pagesPerStep } = options as { overwrite?: boolean; pagesPerStep?: number };
    await readingPersisted(target, async (config) => {
      const made = await withProgress(output, 'backup', 'nothing is left of the copy', (work) =>
        config
          .backup(path as string, { ...work, overwrite, ...(pagesPerStep !== undefined && { pagesPerStep }) })
          .catch(inOurWords),
      );
      output.result(
        { ...identityOf({ config, live: false, target }), ...made },
        () => `${pathText(made.path)} has ${made.revisions} revisions in ${made.bytes} bytes`,
      );
    });
  },
};

/** The option has another form here than in the library. */
function inOurWords(error: unknown): never {
  const { code, message } = error as { code?: string; message?: string };
  if (code !== 'ERR_BACKUP') throw error;
  throw new CliError(code, message!.replace('pass overwrite: true', 'pass --overwrite'), { cause: error });
}
