import type { ConfigDraft, ConfigState, ProductionConfig, TerminalSettings } from '13byte-config';
import { changeNote, makeChange, showInstead } from '../change';
import type { CommandDefinition } from '../command';
import { show } from '../../core/errors';
import { usageError } from '../errors';
import { wholeNumber } from '../options';
import { MAX_TERMINAL_SIZE, MIN_TERMINAL_SIZE } from '../../core/record';
import { describeTerminal, MODE_NAMES, modeName } from '../../core/terminal';

const MAX_MODE = MODE_NAMES.length - 1;
const SIZES = `${MIN_TERMINAL_SIZE} to ${MAX_TERMINAL_SIZE}`;

export const terminal: CommandDefinition = {
  name: 'terminal',
  summary: 'show or set the terminal settings',
  arguments: [
    { term: '[mode]', summary: `${MODE_NAMES.join(', ')}, or 0 to ${MAX_MODE}`, completion: MODE_NAMES },
    { term: '[rows]', summary: SIZES },
    { term: '[cols]', summary: SIZES },
  ],
  changes: true,
  examples: ['terminal --db ./config.db', 'terminal raw 50 120'],
  run: async (invocation) => {
    const { output } = invocation;
    const [mode, rows, cols] = invocation.arguments as [string?, string?, string?];
    if (mode !== undefined && (rows === undefined || cols === undefined)) {
      throw usageError('Mode, rows and cols must be set together, such as: terminal raw 50 120');
    }
    const isChange = mode !== undefined && rows !== undefined && cols !== undefined;
    const result = isChange
      ? await makeChange(invocation, setTerminal(parseMode(mode), parseSize(rows, 'rows'), parseSize(cols, 'cols')))
      : await showInstead(invocation, [], (config) => ({ terminal: terminalOf(config), previous: terminalOf(config) }));
    output.result(result, () => {
      const line = describeTerminal(result.terminal);
      return isChange ? `terminal is ${line}\n${output.colors.dim(changeNote(result))}` : line;
    });
  },
};

function setTerminal(mode: number, rows: number, cols: number) {
  return {
    command: ['terminal', modeName(mode), `${rows}`, `${cols}`],
    edit: (draft: ConfigDraft<string>) => draft.terminal(mode, rows, cols),
    isIn(config: ProductionConfig<string>) {
      const now = config.getTerminalSettings();
      return now.mode === mode && now.rows === rows && now.cols === cols;
    },
    describe: (config: ProductionConfig<string>, before: ConfigState) => ({
      terminal: terminalOf(config),
      previous: named(before.terminal),
    }),
  };
}

export function terminalOf(config: ProductionConfig<string>) {
  return named(config.getTerminalSettings());
}

function named({ mode, rows, cols }: TerminalSettings) {
  return { mode, modeName: modeName(mode), rows, cols };
}

function parseMode(text: string): number {
  const mode = /^\d$/.test(text) ? Number(text) : MODE_NAMES.findIndex((name) => name === text);
  if (mode in MODE_NAMES) return mode;
  throw usageError(`Invalid mode: ${show(text)} (must be ${MODE_NAMES.join(', ')}, or 0-${MAX_MODE})`);
}

function parseSize(text: string, what: string): number {
  return wholeNumber(text, what, MIN_TERMINAL_SIZE, MAX_TERMINAL_SIZE);
}
