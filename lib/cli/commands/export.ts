import type { ProductionConfig } from '13byte-config';
import { type DocumentNotes, writeDocument } from '../document';
import type { CommandDefinition } from '../command';
import { notesOf } from '../features';
import { usageError } from '../errors';
import { pathText } from '../output';
import { writeFileWhole } from '../files';
import { identityOf, needDatabase, reading, readingPersisted } from '../session';

export const exportStates: CommandDefinition = {
  name: 'export',
  summary: 'write the state as JSON, for review in git',
  description:
    'Features by name with their rollouts, and the terminal; the same state always gives the same text. Exports the live ' +
    'state of running programs, or what is persisted if none is running. The format is described by schemas/export.json.',
  arguments: [{ term: '[file]', summary: 'the file to write; default: stdout, as for -', completion: 'files' }],
  options: [
    { flags: '--all-environments', summary: 'export every environment that has a history, not only that of --env' },
  ],
  examples: ['export flags.json --db ./config.db --env production', 'export --all-environments > flags.json'],
  run: async ({ arguments: [file = '-'], options, target, output }) => {
    const isForAll = options.allEnvironments === true;
    if (isForAll && target.db === undefined) needDatabase(undefined);
    const names = isForAll
      ? await readingPersisted(target, (config) => config.getEnvironments())
      : [target.environment];
    if (names.length === 0) throw usageError('This database has no environments yet');
    const sessions = [];
    for (const environment of names) {
      sessions.push(
        await reading({ ...target, environment }, async (session) => ({
          identity: identityOf(session),
          state: session.config.getState(),
          notes: notesIn(session.config),
        })),
      );
    }
    const document = writeDocument(
      new Map(sessions.map(({ identity, state }) => [identity.environment, state])),
      // Of the whole database.
      sessions[0]!.notes,
    );
    if (file === '-') {
      process.stdout.write(document);
      return;
    }
    await writeFileWhole(file as string, document);
    const environments = sessions.map(({ identity: { environment, live } }) => ({ environment, live }));
    output.result({ file, environments }, () =>
      environments
        .map(
          ({ environment, live }) =>
            `${environment}: ${live ? 'the live state' : 'what is persisted'}, in ${pathText(file as string)}`,
        )
        .join('\n'),
    );
  },
};

function notesIn(config: ProductionConfig<string>): DocumentNotes {
  const notes = config.getFeatureNames().map((name) => {
    const { description, owner, expires } = notesOf(config, name);
    const own = Object.entries({ description, owner, expires }).filter(([, text]) => text !== null);
    return [name, Object.fromEntries(own) as { [key: string]: string }] as const;
  });
  return new Map(notes.filter(([, own]) => Object.keys(own).length > 0));
}
