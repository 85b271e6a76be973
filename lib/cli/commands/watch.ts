import { once } from 'node:events';
import type { ConfigChange } from '13byte-config';
import type { CommandDefinition } from '../command';
import { featureStates } from '../features';
import { type Output, pathText } from '../output';
import { identityOf, watching } from '../session';
import { terminalOf } from './terminal';

const MODE_NAMES = ['disabled', 'cooked', 'raw', 'pipe'] as const;

export const watch: CommandDefinition = {
  name: 'watch',
  summary: 'print each change of the live state as it happens',
  description:
    'It goes on until Ctrl-C. Changes in quick succession may come as one; the last state is never missed. With --json each ' +
    'line is an object, the first one of type `watching`.',
  examples: ['watch --db ./config.db --env production', 'watch --cluster shop --json'],
  run: ({ target, output }) =>
    watching(target, async (session) => {
      const { config } = session;
      const ended = interrupted();
      config.on('change', (change) => {
        const record = describe(change);
        output.record(
          record,
          () => `${output.colors.dim(record.at)}\t${record.changes.map((line) => paint(output, line)).join('  ')}`,
        );
      });
      config.ref();
      // Whatever changes from here on is told.
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
          `Watching ${target.db === undefined ? `cluster ${target.cluster}` : pathText(target.db)}, environment ${config.environment}. Ctrl-C ends it`,
        );
      await ended;
    }),
};

/** Resolves when the user, or whoever started it, has had enough, and when nothing can be told any more. */
async function interrupted(): Promise<void> {
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), once(process.stdout, 'error')]);
}

function describe({ enabled, disabled, terminal = undefined, rollouts = {}, generation }: ConfigChange<string>) {
  const changes = [
    ...enabled.map((name) => `+${name}`),
    ...disabled.map((name) => `-${name}`),
    ...Object.entries(rollouts).map(([name, { from, to }]) => `${name} ${from}% → ${to}%`),
  ];
  if (terminal) changes.push(`terminal ${shown(terminal.from)} → ${shown(terminal.to)}`);
  return { type: 'change', at: now(), enabled, disabled, rollouts, terminal: terminal ?? null, generation, changes };
}

function shown({ mode, rows, cols }: { mode: number; rows: number; cols: number }): string {
  return `${MODE_NAMES[mode] ?? mode} ${rows}x${cols}`;
}

function paint({ colors }: Output, line: string): string {
  if (line.startsWith('+')) return colors.green(line);
  return line.startsWith('-') ? colors.red(line) : colors.yellow(line);
}

function now(): string {
  return new Date().toISOString();
}
