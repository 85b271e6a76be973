import { once } from 'node:events';
import type { ConfigChange } from '13byte-config';
import { describeChanges } from '../../core/state';
import type { CommandDefinition } from '../command';
import { featureStates } from '../features';
import { paintChanges } from '../differences';
import { pathText } from '../output';
import { identityOf, watching } from '../session';
import { terminalOf } from './terminal';

export const watch: CommandDefinition = {
  name: 'watch',
  summary: 'print each change of the live state as it happens',
  description:
    'Runs until Ctrl-C. Changes in quick succession are combined; the last state is never missed. With --json each ' +
    'line is an object, the first of type `watching`.',
  examples: ['watch --db ./config.db --env production', 'watch --cluster shop --json'],
  run: ({ target, output }) =>
    watching(target, async (session) => {
      const { config } = session;
      const ended = interrupted();
      config.on('change', (change) => {
        const record = describe(change);
        output.record(
          record,
          () => `${output.colors.dim(record.at)}\t${paintChanges(output, record.changes).join('  ')}`,
        );
      });
      config.ref();
      // All changes from here on are printed.
      const start = {
        type: 'watching',
        at: now(),
        ...identityOf(session),
        features: featureStates(config),
        terminal: terminalOf(config),
      };
      if (output.json) output.record(start, () => '');
      else
        output.note(
          `Watching ${target.db === undefined ? `cluster ${target.cluster}` : pathText(target.db)}, environment ${config.environment}. Ctrl-C stops it`,
        );
      await ended;
    }),
};

/** Resolves when the process is to end, or its output is closed. */
async function interrupted(): Promise<void> {
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), once(process.stdout, 'error')]);
}

function describe(change: ConfigChange<string>) {
  const { enabled, disabled, terminal = null, rollouts = {}, generation } = change;
  const changes = describeChanges(change);
  return { type: 'change', at: now(), enabled, disabled, rollouts, terminal, generation, changes };
}

function now(): string {
  return new Date().toISOString();
}
