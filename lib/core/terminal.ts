import { checkCols, checkRows, checkTerminalMode } from './record';
import type { TerminalModeName, TerminalSettings } from '../types';

/** The names of the modes, in the order of their numbers. */
export const MODE_NAMES = ['disabled', 'cooked', 'raw', 'pipe'] as const satisfies readonly TerminalModeName[];

/** The name of a mode; `unknown` for an invalid one from foreign bytes. */
export function modeName(mode: number): TerminalModeName {
  return MODE_NAMES[mode] ?? 'unknown';
}

/** Checks settings and packs them into the word of the state page, with a reserved byte of 0. */
export function packTerminal(mode: unknown, rows: unknown, cols: unknown): number {
  return packedTerminal({ mode: checkTerminalMode(mode), rows: checkRows(rows), cols: checkCols(cols) });
}

/** The word of settings that are in range. */
export function packedTerminal({ mode, rows, cols }: TerminalSettings): number {
  return mode | (rows << 8) | (cols << 16);
}

/** The settings in a word of the state page. */
export function unpackTerminal(word: number): TerminalSettings {
  return { mode: word & 0xff, rows: (word >>> 8) & 0xff, cols: (word >>> 16) & 0xff };
}

/** Whether two words have the same settings; the reserved byte is none. */
export function hasSameSettings(word: number, other: number): boolean {
  return ((word ^ other) & 0xff_ffff) === 0;
}

/** Such as `raw 50x120`. */
export function describeTerminal({ mode, rows, cols }: TerminalSettings): string {
  return `${modeName(mode)} ${rows}x${cols}`;
}
