import type { HistoryEntry, ProductionConfig, RestoreOptions } from '13byte-config';
import type { ChangeResult } from './change';
import type { Invocation } from './command';
import { differences, paintChanges } from './differences';
import { usageError } from './errors';
import type { Target } from './options';
import { changing, identityOf, needDatabase } from './session';

/** What every change tells that goes to a whole state at once. */
export interface RestoreResult extends ChangeResult {
  /** The revision whose state it is; `null` when it comes from elsewhere. */
  readonly restoredFrom: number | null;
  /** Why, in the history. */
  readonly reason: string;
  /** Who, in the history. */
  readonly actor: string;
  /** What is different now in the live state. */
  readonly changes: readonly string[];
}

/** Refuses what a command that is recorded in the history cannot do. */
export function needHistory({ db, persist }: Target, command: string): void {
  needDatabase(db);
  if (!persist) throw usageError(`${command} goes without --no-persist: it is a new revision of the history`);
}

/** Goes to a whole state, which is recorded first and then live, all of it or nothing. */
export function goTo(
  target: Target,
  apply: (config: ProductionConfig<string>, options: RestoreOptions) => Promise<HistoryEntry>,
): Promise<RestoreResult> {
  return changing(target, () => {}, async (session) => {
    const { config } = session;
    const before = config.getState();
    const { revision, restoredFrom, changeReason, actor } = await apply(config, {
      ...(target.reason !== undefined && { reason: target.reason }),
      ...(target.ifRevision !== undefined && { ifRevision: target.ifRevision }),
    });
    const changes = differences(before, config.getState());
    return {
      ...identityOf(session), changed: changes.length > 0, persisted: true, revision, restoredFrom, reason: changeReason, actor, changes,
    };
  });
}

/** Prints it, the way of all changes. */
export function printRestored({ output }: Invocation, result: RestoreResult, title: string): void {
  output.result(result, () => {
    const programs = result.live ? 'running programs have it' : 'no program is running';
    const lines = result.changes.length > 0 ? paintChanges(output, result.changes) : ['nothing is different'];
    return [title, ...lines, output.colors.dim(`${programs}; persisted as revision ${result.revision}`)].join('\n');
  });
}
