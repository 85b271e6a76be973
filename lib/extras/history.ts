import type { FeatureTable } from '../feature-table';
import type { NativeRevision } from '../native';
import { compareStates, decodeState, describeChanges, INITIAL_STATE, type StateChanges } from './state';

/** A persisted revision. */
export interface HistoryEntry {
  /** Its number, unique in the file and growing. */
  readonly revision: number;
  /** The environment it belongs to. */
  readonly environment: string;
  /** Why it was made. */
  readonly changeReason: string;
  /** Who made it. */
  readonly actor: string;
  /** The 13 bytes it keeps, as `0x` and 26 hexadecimal digits. */
  readonly configHex: string;
  /** When it was written, by the clock of the machine. */
  readonly createdAt: Date;
  /** What is different from the revision before it: `+name`, `-name`, `name 10% → 50%`, `terminal raw 24x80 → …`. */
  readonly changes: readonly string[];
  /** The revision whose state this one repeats, after a rollback or a promotion. */
  readonly restoredFrom: number | null;
  /** SHA-256 over its content and the digest of the revision before it, in hexadecimal. */
  readonly digest: string;
}

/** What is different between two revisions. */
export interface ConfigDiff extends StateChanges {
  /** The revision compared from. */
  readonly from: number;
  /** The revision compared to. */
  readonly to: number;
  /** The same differences as lines to print. */
  readonly changes: readonly string[];
}

export function toHistoryEntry(revision: NativeRevision, table: FeatureTable): HistoryEntry {
  const previous = revision.previous ? decodeState(revision.previous) : INITIAL_STATE;
  return {
    revision: revision.revision,
    environment: revision.environment,
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
