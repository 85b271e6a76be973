import { compactNames } from '13byte-config';
import type { CommandDefinition } from '../command';
import { CliError } from '../errors';
import { findOpeners, nameOfOpener } from '../openers';
import { noDatabase, needDatabase } from '../session';

export const compact: CommandDefinition = {
  name: 'compact',
  summary:
    'forget retired features, so that their bits are free for any program, while no program has the database open',
  description:
    'The last features get the bits of the forgotten ones. What is in effect stays as it is, and the history keeps the names of ' +
    'its time. Without this, a retired bit goes to a new name when a program needs it that opens the database alone.',
  examples: ['compact --db ./config.db'],
  run: async ({ target, output }) => {
    const database = needDatabase(target.db);
    const forgotten = await compactNames(database).catch((error: unknown) => explain(error, database));
    output.result({ database, forgotten }, () =>
      forgotten.length === 0 ? 'no feature is retired' : `forgotten: ${forgotten.join(', ')}`,
    );

    function explain(error: unknown, db: string): never {
      const { code } = error as { code?: string };
      if (code === 'ERR_STORE_NOT_FOUND') throw noDatabase(target, true, error);
      const openers = code === 'ERR_STORE_IN_USE' ? (findOpeners(db) ?? []) : [];
      if (openers.length === 0) throw error;
      throw new CliError(
        'ERR_STORE_IN_USE',
        `${(error as Error).message}: ${openers.map(nameOfOpener).join(', ')}. Nothing was changed`,
        { cause: error },
      );
    }
  },
};
