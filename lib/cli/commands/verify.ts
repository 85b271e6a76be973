import type { Verification } from '13byte-config';
import type { CommandDefinition } from '../command';
import { show as shown } from '../../core/errors';
import { DIGEST } from '../../core/limits';
import { usageError } from '../errors';
import { ExitCode } from '../exit-codes';
import { oneLine, type Output } from '../output';
import { withProgress } from '../progress';
import { identityOf, needDatabase, readingPersisted } from '../session';

export const verify: CommandDefinition = {
  name: 'verify',
  summary: 'check the history for damage and tampering',
  description:
    'Checks the revisions of all environments, and exits with 4 if anything is wrong. Store the head that it prints elsewhere, ' +
    'and pass it later: anyone who can write the file can rewrite all of it, but not what you have stored.',
  options: [
    {
      flags: '--expected-head <digest>',
      summary: 'an earlier head of the environment of --env',
      parse: digest,
    },
  ],
  examples: [
    'verify --db ./config.db',
    'verify --db ./config.db --env production --expected-head 3f0a…',
    'verify --json',
  ],
  run: async ({ options, target, output }) => {
    needDatabase(target.db);
    const { expectedHead } = options as { expectedHead?: string };
    return await readingPersisted(target, async (config) => {
      const found = await withProgress(output, 'verify', 'the history was not checked completely', (work) =>
        config.verify({ ...work, ...(expectedHead !== undefined && { expectedHead }) }),
      );
      const { ok, revisions, head, environments, problems, firstBroken = null } = found;
      const result = {
        ...identityOf({ config, live: false, target }),
        ok,
        revisions,
        head,
        environments,
        firstBroken,
        problems,
      };
      output.result(result, () => show(output, found));
      return ok ? ExitCode.ok : ExitCode.integrity;
    });
  },
};

function show(output: Output, { ok, revisions, environments, problems }: Verification): string {
  const { colors } = output;
  const rows = environments.map(({ environment, revisions: count, pruned, head }) => [
    environment,
    `${count}`,
    `${pruned}`,
    head,
  ]);
  return [
    ok
      ? colors.green(`${revisions} revisions checked, no problems`)
      : colors.red(`${revisions} revisions checked, with problems`),
    ...problems.map(({ revision, environment, problem }) =>
      colors.red(
        [revision === null ? undefined : `revision ${revision}`, environment, problem]
          .filter(Boolean)
          .map((part) => oneLine(`${part}`))
          .join(': '),
      ),
    ),
    ...(rows.length > 0 ? [output.table(['environment', 'revisions', 'pruned', 'head'], rows)] : []),
  ].join('\n');
}

function digest(text: string): string {
  if (DIGEST.test(text)) return text;
  throw usageError(
    `Invalid --expected-head: ${shown(text)} (must be 64 lower-case hexadecimal digits, as verify prints them)`,
  );
}
