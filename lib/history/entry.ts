import type { FeatureTable } from '../core/feature-table';
import type { NativeRevision } from '../native/binding';
import { FULL_ROLLOUT } from '../core/layout';
import { compareStates, decodeState, describeChanges, INITIAL_STATE, isOn, type State } from '../core/state';
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
    changes: describeChanges(compareStates(namesThen(table, revision), previous, decodeState(revision.state))),
    restoredFrom: revision.restoredFrom ?? null,
    digest: revision.digest,
  };
}

export function toDiff(from: NativeRevision, to: NativeRevision, table: FeatureTable): ConfigDiff {
  const changes = compareRevisions(table, from, to);
  return { from: from.revision, to: to.revision, ...changes, changes: describeChanges(changes) };
}

/** With bits that had another name in between: what was on under the old name is off, and what is on under the new one is on. */
function compareRevisions(table: FeatureTable, from: NativeRevision, to: NativeRevision): StateChanges {
  const [older, newer] = [namesThen(table, from), namesThen(table, to)];
  const [before, after] = [decodeState(from.state), decodeState(to.state)];
  const moved = older.names.flatMap((name, bit) => (name === newer.names[bit] ? [] : [bit]));
  if (moved.length === 0) return compareStates(newer, before, after);
  const without = (state: State) => ({
    ...state,
    flags: state.flags.map((word, bank) =>
      moved.reduce((rest, bit) => (bit >>> 5 === bank ? rest & ~(1 << bit) : rest), word),
    ),
    rollouts: state.rollouts?.map((rollout, bit) => (moved.includes(bit) ? FULL_ROLLOUT : rollout)),
  });
  const changes = compareStates(newer, without(before), without(after));
  const on = (state: State, { names }: Pick<FeatureTable, 'names'>) =>
    moved.filter((bit) => isOn(state, bit)).map((bit) => names[bit]!);
  return {
    ...changes,
    enabled: [...changes.enabled, ...on(after, newer)],
    disabled: [...changes.disabled, ...on(before, older)],
  };
}

/** The names that bits had when a revision was made. */
function namesThen({ names }: FeatureTable, { former = [] }: NativeRevision): Pick<FeatureTable, 'names'> {
  if (former.length === 0) return { names };
  const then = [...names];
  for (const { bit, name } of former) then[bit] = name;
  return { names: then };
}
