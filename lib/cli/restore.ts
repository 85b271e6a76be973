import type { HistoryEntry, ProductionConfig, RestoreOptions } from '13byte-config';
import { changeNote, type ChangeResult, committing, ifRevision, openersOf } from './change';
import type { Invocation } from './command';
import { differences, paintChanges } from './differences';
import { usageError } from './errors';
import type { Target } from './options';
import { changing, type Check, identityOf, needDatabase } from './session';

/** What every change reports that goes to a whole state at once. */
export interface RestoreResult extends ChangeResult {
  /** The revision whose state it is; `null` if it comes from elsewhere. */
  readonly restoredFrom: number | null;
  /** The reason in the history. */
  readonly reason: string;
  /** The actor in the history. */
  readonly actor: string;
  /** What changed in the live state. */
  readonly changes: readonly string[];
}

/** Fails for options of a command that cannot do without the history. */
export function needHistory({ db, persist }: Target, command: string): void {
  needDatabase(db);
  if (!persist) throw usageError(`--no-persist cannot be combined with ${command}, which writes a revision`);
}

/** Goes to a whole state, on disk first and then live, all of it or nothing. */
export function goTo(
  target: Target,
  apply: (config: ProductionConfig<string>, options: RestoreOptions) => Promise<HistoryEntry>,
  check: Check = () => {},
): Promise<RestoreResult> {
  return changing(target, check, async (session) => {
    const { config } = session;
    const before = config.getState();
    const { revision, restoredFrom, changeReason, actor } = await committing(session, false, () =>
      apply(config, { ...(target.reason !== undefined && { reason: target.reason }), ...ifRevision(target) }),
    );
    const changes = differences(before, config.getState());
    return {
      ...identityOf(session),
      changed: changes.length > 0,
      persisted: true,
      revision,
      openIn: openersOf(session),
      restoredFrom,
      reason: changeReason,
      actor,
      changes,
    };
  });
}

/** Prints the result. */
export function printRestored({ output }: Invocation, result: RestoreResult, title: string): void {
  output.result(result, () => {
    const lines = result.changes.length > 0 ? paintChanges(output, result.changes) : ['no differences'];
    return [title, ...lines, output.colors.dim(changeNote(result))].join('\n');
  });
}
