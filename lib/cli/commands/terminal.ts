import type { ProductionConfig } from '13byte-config';
import { changeNote, makeChange, showInstead } from '../change';
import type { CommandDefinition } from '../command';
import { show } from '../../core/errors';
import { usageError } from '../errors';
import { wholeNumber } from '../options';

const MODES = ['disabled', 'cooked', 'raw', 'pipe'] as const;

export const terminal: CommandDefinition = {
  name: 'terminal',
  summary: 'show or set the terminal settings',
  arguments: [
    { term: '[mode]', summary: `${MODES.join(', ')}, or 0 to 3`, completion: MODES },
    { term: '[rows]', summary: '1 to 255' },
    { term: '[cols]', summary: '1 to 255' },
  ],
  changes: true,
  examples: ['terminal --db ./config.db', 'terminal raw 50 120'],
  run: async (invocation) => {
    const { output } = invocation;
    const [mode, rows, cols] = invocation.arguments as [string?, string?, string?];
    if (mode !== undefined && (rows === undefined || cols === undefined)) {
      throw usageError('Mode, rows and cols are set together: terminal raw 50 120');
    }
    const isChange = mode !== undefined && rows !== undefined && cols !== undefined;
    const result = isChange
      ? await makeChange(invocation, setTerminal(parseMode(mode), parseSize(rows, 'rows'), parseSize(cols, 'cols')))
      : await showInstead(invocation, [], (config) => ({ terminal: terminalOf(config), previous: terminalOf(config) }));
    output.result(result, () => {
      const { modeName, rows: height, cols: width } = result.terminal;
      const line = `${modeName} ${height}x${width}`;
      return isChange ? `terminal is ${line}\n${output.colors.dim(changeNote(result))}` : line;
    });
  },
};

function setTerminal(mode: number, rows: number, cols: number) {
  let previous: ReturnType<typeof terminalOf> | undefined;
  return {
    command: ['terminal', MODES[mode] ?? `${mode}`, `${rows}`, `${cols}`],
    apply(config: ProductionConfig<string>) {
      previous = terminalOf(config);
      config.setTerminalSettings(mode, rows, cols);
      return previous.mode !== mode || previous.rows !== rows || previous.cols !== cols;
    },
    isIn(config: ProductionConfig<string>) {
      const now = terminalOf(config);
      return now.mode === mode && now.rows === rows && now.cols === cols;
    },
    describe: (config: ProductionConfig<string>) => ({
      terminal: terminalOf(config),
      previous: previous ?? terminalOf(config),
    }),
  };
}

export function terminalOf(config: ProductionConfig<string>) {
  const { mode, modeName, rows, cols } = config.getDebugView().terminal;
  return { mode, modeName, rows, cols };
}

function parseMode(text: string): number {
  const named = MODES.findIndex((name) => name === text);
  if (named !== -1) return named;
  if (/^[0-3]$/.test(text)) return Number(text);
  throw usageError(`Invalid mode: ${show(text)} (must be ${MODES.join(', ')}, or 0-3)`);
}

function parseSize(text: string, what: string): number {
  return wholeNumber(text, what, 1, 255);
}
