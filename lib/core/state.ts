import { DEFAULT_RECORD, FULL_ROLLOUT, RECORD_SIZE } from './layout';
import type { NativeState } from '../native/binding';
import { type FeatureTable, namesOf } from './feature-table';
import { toHex } from './record';
import { toPercent } from './rollout';
import { describeTerminal, hasSameSettings, unpackTerminal } from './terminal';
import type { StateChanges } from '../types';

/** A state that was read from the history. */
export interface State {
  /** An unsigned word for each bank. */
  readonly flags: readonly number[];
  /** Packed. */
  readonly terminal: number;
  /** Basis points by bit; omitted if every feature is rolled out to all keys. */
  readonly rollouts: readonly number[] | undefined;
}

/** For building what is read-only elsewhere. */
export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The initial state of a config: all features off, and rolled out to all keys. */
export const INITIAL_STATE: State = Object.freeze({
  ...decodeState({ record: toHex(Uint8Array.from(DEFAULT_RECORD)) }),
  flags: [0],
});

export function decodeState({ record, rollouts }: NativeState): State {
  const flags: number[] = [];
  for (let offset = 5; 2 + 2 * offset < record.length; offset += RECORD_SIZE) flags.push(wordAt(record, offset));
  return { flags, terminal: wordAt(record, 9), rollouts };
}

/** Whether the feature that owns a bit is on. */
export function isOn({ flags }: Pick<State, 'flags'>, bit: number): boolean {
  return ((flags[bit >>> 5] ?? 0) & (1 << bit)) !== 0;
}

/** The rollout of the feature that owns a bit, in basis points. */
export function basisPointsOf({ rollouts }: Pick<State, 'rollouts'>, bit: number): number {
  return rollouts?.[bit] ?? FULL_ROLLOUT;
}

/** The little-endian word at an offset of a record, `0x` and two digits a byte. */
function wordAt(hex: string, offset: number): number {
  const start = 2 + 2 * offset;
  const word = Number.parseInt(hex.slice(start, start + 8), 16);
  return (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

export function compareStates(table: Pick<FeatureTable, 'names'>, from: State, to: State): StateChanges {
  const rollouts = from.rollouts === to.rollouts ? undefined : compareRollouts(table, from, to);
  const isSameTerminal = hasSameSettings(from.terminal, to.terminal);
  const changes: Mutable<StateChanges> = {
    enabled: namesOf(table, without(to.flags, from.flags)),
    disabled: namesOf(table, without(from.flags, to.flags)),
  };
  if (!isSameTerminal) {
    changes.terminal = { from: unpackTerminal(from.terminal), to: unpackTerminal(to.terminal) };
  }
  if (rollouts) changes.rollouts = rollouts;
  return changes;
}

/** The flags of the one, and not of the other. */
function without(flags: readonly number[], others: readonly number[]): number[] {
  return flags.map((word, bank) => word & ~(others[bank] ?? 0));
}

function compareRollouts(table: Pick<FeatureTable, 'names'>, from: State, to: State): StateChanges['rollouts'] {
  const rollouts: { [name: string]: { from: number; to: number } } = {};
  table.names.forEach((name, bit) => {
    const rollout = { from: rolloutOf(from, bit), to: rolloutOf(to, bit) };
    if (rollout.from !== rollout.to) rollouts[name] = rollout;
  });
  return Object.keys(rollouts).length > 0 ? rollouts : undefined;
}

/** A line for each change, such as `+beta_feature`, `-debug`, `terminal raw 24x80 → raw 50x120`. */
export function describeChanges({ enabled, disabled, terminal, rollouts = {} }: StateChanges): string[] {
  return [
    ...enabled.map((name) => `+${name}`),
    ...disabled.map((name) => `-${name}`),
    ...Object.entries(rollouts).map(([name, { from, to }]) => `${name} ${from}% → ${to}%`),
    ...(terminal ? [`terminal ${describeTerminal(terminal.from)} → ${describeTerminal(terminal.to)}`] : []),
  ];
}

function rolloutOf(state: State, bit: number): number {
  return toPercent(basisPointsOf(state, bit));
}
