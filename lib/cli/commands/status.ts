import type { HistoryEntry } from '13byte-config';
import { isPersisted, lastRevision, openersOf } from '../change';
import type { CommandDefinition } from '../command';
import { describeTerminal } from '../../core/terminal';
import { featureStates, featureTable, MATCH, matchingNames, notesOf } from '../features';
import { nameOfOpener, type Opener } from '../openers';
import { oneLine, type Output, pathText } from '../output';
import { type Identity, identityOf, reading, type Session } from '../session';
import { terminalOf } from './terminal';

export const status: CommandDefinition = {
  name: 'status',
  summary: 'show the features, the terminal and the last revision',
  description: 'Shows the live state of running programs, or what is persisted if none is running.',
  options: [MATCH],
  examples: ['status --db ./config.db --env production', 'status --cluster shop', 'status --db ./config.db --json'],
  run: ({ options, target, output }) =>
    reading(target, async (session) => {
      const result = await lookAt(session, options);
      output.result(result, () => show(output, result));
    }),
};

type Status = Awaited<ReturnType<typeof lookAt>>;

async function lookAt(session: Session, options: { readonly match?: string }) {
  const { config, live, target } = session;
  const last = await lastRevision(config);
  const { generation } = config.getDebugView();
  const { isValid, errors } = config.validate();
  return {
    ...identityOf(session),
    features: featureStates(config, matchingNames(config, options), (name) => notesOf(config, name)),
    terminal: terminalOf(config),
    generation,
    revision: last ? describe(last) : null,
    persisted: target.db === undefined ? null : !live || (await isPersisted(config)),
    openIn: openersOf(session),
    valid: isValid,
    problems: errors,
  } as const;
}

function describe({ revision, changeReason: reason, actor, createdAt }: HistoryEntry) {
  return { revision, reason, actor, createdAt: createdAt.toISOString() };
}

function show(output: Output, result: Status): string {
  const { colors } = output;
  const { terminal, revision, persisted, openIn, problems } = result;
  const pairs: [string, string][] = [...identityPairs(output, result), ['terminal', describeTerminal(terminal)]];
  if (result.database !== null) {
    pairs.push([
      'revision',
      revision
        ? `${revision.revision}, ${revision.createdAt}, ${oneLine(revision.actor)}: ${oneLine(revision.reason)}`
        : 'none',
    ]);
    pairs.push([
      'persisted',
      persisted === true ? 'yes' : colors.yellow('no, the live state differs from the last revision'),
    ]);
  }
  for (const opener of openIn ?? []) pairs.push(['open in', describeOpener(output, opener)]);
  for (const problem of problems) pairs.push(['problem', colors.red(problem)]);
  return `${output.pairs(pairs)}\n\n${featureTable(output, result.features)}`;
}

function describeOpener({ colors }: Output, opener: Opener): string {
  if (opener.sharesLive) return `${nameOfOpener(opener)}, shares the live state`;
  return `${nameOfOpener(opener)}, ${colors.yellow('has a live state of its own, which may have changes that are not persisted')}`;
}

function identityPairs({ colors }: Output, { database, cluster, environment, live }: Identity): [string, string][] {
  return [
    database === null ? ['cluster', `${cluster}`] : ['database', pathText(database)],
    ['environment', environment],
    ['live', live ? colors.green('yes, programs are running') : 'no, this is what is persisted'],
  ];
}
