import type { FeatureTable } from '../core/feature-table';
import type { NativeFormer, NativeRevision } from '../native/binding';
import { BANK_SIZE, FULL_ROLLOUT } from '../core/layout';
import {
  basisPointsOf,
  compareStates,
  decodeState,
  describeChanges,
  INITIAL_STATE,
  isOn,
  type State,
} from '../core/state';
import type { ConfigDiff, HistoryEntry, StateChanges } from '../types';

export function toHistoryEntry(revision: NativeRevision, table: FeatureTable): HistoryEntry {
  const previous = revision.previous ? decodeState(revision.previous) : INITIAL_STATE;
  return {
    revision: revision.revision,
    environment: revision.environment,
    kind: revision.isCommit ? 'commit' : 'snapshot',
    changeReason: revision.reason,
    actor: revision.actor,
    configHex: revision.state.record,
    createdAt: new Date(revision.createdAt),
    changes: describeChanges(
      compare(
        namesThen(table, revision.previousFormer ?? revision.former),
        previous,
        namesThen(table, revision.former),
        decodeState(revision.state),
      ),
    ),
    restoredFrom: revision.restoredFrom ?? null,
    digest: revision.digest,
  };
}

export function toDiff(from: NativeRevision, to: NativeRevision, table: FeatureTable): ConfigDiff {
  const changes = compare(
    namesThen(table, from.former),
    decodeState(from.state),
    namesThen(table, to.former),
    decodeState(to.state),
  );
  return { from: from.revision, to: to.revision, ...changes, changes: describeChanges(changes) };
}

/** The names that bits had when a state was written, by bit. */
function namesThen({ names }: FeatureTable, former: readonly NativeFormer[] = []): readonly string[] {
  if (former.length === 0) return names;
  const then = [...names];
  for (const { bit, name } of former) then[bit] = name;
  return then;
}

/** Compares states whose bits may have had different names: each name with itself. */
function compare(older: readonly string[], before: State, newer: readonly string[], after: State): StateChanges {
  const hasMoved = older !== newer && older.some((name, bit) => name !== newer[bit]);
  if (!hasMoved) return compareStates({ names: older.length > newer.length ? older : newer }, before, after);
  const bitsBefore = new Map(older.map((name, bit) => [name, bit]));
  const names = [...newer, ...older.filter((name) => !newer.includes(name))];
  const bitsAfter = new Map(newer.map((name, bit) => [name, bit]));
  return compareStates({ names }, byNames(names, bitsBefore, before), byNames(names, bitsAfter, after));
}

/** A state by the places that names have in a list. */
function byNames(names: readonly string[], bits: ReadonlyMap<string, number>, state: State): State {
  const flags = Array.from({ length: Math.ceil(names.length / BANK_SIZE) }, () => 0);
  const rollouts = names.map((name, place) => {
    const bit = bits.get(name);
    if (bit === undefined) return FULL_ROLLOUT;
    if (isOn(state, bit)) flags[place >>> 5]! |= 1 << place;
    return basisPointsOf(state, bit);
  });
  return { flags: flags.map((word) => word >>> 0), terminal: state.terminal, rollouts };
}
