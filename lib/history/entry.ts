import type { FeatureTable } from '../core/feature-table';
import type { NativeRevision } from '../native/binding';
import { compareStates, decodeState, describeChanges, INITIAL_STATE } from '../core/state';
import type { ConfigDiff, HistoryEntry } from '../types';

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
    changes: describeChanges(compareStates(table, previous, decodeState(revision.state))),
    restoredFrom: revision.restoredFrom ?? null,
    digest: revision.digest,
  };
}

export function toDiff(from: NativeRevision, to: NativeRevision, table: FeatureTable): ConfigDiff {
  const changes = compareStates(table, decodeState(from.state), decodeState(to.state));
  return { from: from.revision, to: to.revision, ...changes, changes: describeChanges(changes) };
}
