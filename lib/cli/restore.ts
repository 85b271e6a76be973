import type { ConfigState, HistoryEntry, ProductionConfig, RestoreOptions } from '13byte-config';
import type { ChangeResult } from './change';
import type { Invocation } from './command';
import { differences, paintChanges } from './differences';
import { ChangeError, usageError } from './errors';
import type { Target } from './options';
import { changing, identityOf, needDatabase, readingPersisted, type Session } from './session';

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
  return changing(
    target,
    () => {},
    async (session) => {
      const before = await look(session.config);
      try {
        return await go(session, before.state, apply);
      } catch (error) {
        throw await failureOf(error, session, before);
      }
    },
  );
}

/** What is compared to find out what a command that failed has done all the same. */
interface Look {
  readonly state: ConfigState;
  readonly revision: number;
}

async function look(config: ProductionConfig<string>): Promise<Look> {
  return { state: config.getState(), revision: (await config.getHistory(1))[0]?.revision ?? 0 };
}

/** The error of a command that failed on its way, with what is true now, unless that is what it was before. */
async function failureOf(cause: unknown, { config, live, target }: Session, before: Look): Promise<unknown> {
  const now = await (live ? look(config) : readingPersisted(target, look)).catch(() => undefined);
  if (now === undefined)
    return new ChangeError(cause, 'The state cannot be read now, so whether anything was changed is not known', null);
  const changes = differences(before.state, now.state);
  const revision =
    now.revision === before.revision
      ? `revision ${now.revision} is still the last`
      : `revision ${now.revision} is the last now`;
  if (changes.length > 0)
    return new ChangeError(cause, `The state has changed (${changes.join(', ')}), and ${revision}`, true);
  return now.revision === before.revision
    ? cause
    : new ChangeError(cause, `The state is as before, but ${revision}`, false);
}

async function go(
  session: Session,
  before: ConfigState,
  apply: (config: ProductionConfig<string>, options: RestoreOptions) => Promise<HistoryEntry>,
): Promise<RestoreResult> {
  const { config, target } = session;
  const { revision, restoredFrom, changeReason, actor } = await apply(config, {
    ...(target.reason !== undefined && { reason: target.reason }),
    ...(target.ifRevision !== undefined && { ifRevision: target.ifRevision }),
  });
  const changes = differences(before, config.getState());
  return {
    ...identityOf(session),
    changed: changes.length > 0,
    persisted: true,
    revision,
    restoredFrom,
    reason: changeReason,
    actor,
    changes,
  };
}

/** Prints it, the way of all changes. */
export function printRestored({ output }: Invocation, result: RestoreResult, title: string): void {
  output.result(result, () => {
    const programs = result.live ? 'running programs have it' : 'no program is running';
    const lines = result.changes.length > 0 ? paintChanges(output, result.changes) : ['nothing is different'];
    return [title, ...lines, output.colors.dim(`${programs}; persisted as revision ${result.revision}`)].join('\n');
  });
}
