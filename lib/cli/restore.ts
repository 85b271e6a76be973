import type { ConfigState, HistoryEntry, ProductionConfig, RestoreOptions } from '13byte-config';
import { type ChangeResult, lastRevision } from './change';
import type { Invocation } from './command';
import { differences, paintChanges } from './differences';
import { ChangeError, usageError } from './errors';
import type { Target } from './options';
import { changing, type Check, identityOf, needDatabase, readingPersisted, type Session } from './session';

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

/** Goes to a whole state, which is persisted first and then live, all of it or nothing. */
export function goTo(
  target: Target,
  apply: (config: ProductionConfig<string>, options: RestoreOptions) => Promise<HistoryEntry>,
  check: Check = () => {},
): Promise<RestoreResult> {
  return changing(target, check, async (session) => {
    const before = await look(session.config);
    try {
      return await go(session, before.state, apply);
    } catch (error) {
      throw await failureOf(error, session, before);
    }
  });
}

/** What is compared to find out what a command that failed has done. */
interface Look {
  readonly state: ConfigState;
  readonly revision: number;
}

async function look(config: ProductionConfig<string>): Promise<Look> {
  return { state: config.getState(), revision: (await lastRevision(config))?.revision ?? 0 };
}

/** The error of a command that failed, with what is true now, unless nothing has changed. */
async function failureOf(cause: unknown, { config, live, target }: Session, before: Look): Promise<unknown> {
  const now = await (live ? look(config) : readingPersisted(target, look)).catch(() => undefined);
  if (now === undefined)
    return new ChangeError(
      cause,
      'The state cannot be read now, so it is not known whether anything was changed',
      null,
    );
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

/** Prints the result. */
export function printRestored({ output }: Invocation, result: RestoreResult, title: string): void {
  output.result(result, () => {
    const programs = result.live ? 'running programs have it' : 'no program is running';
    const lines = result.changes.length > 0 ? paintChanges(output, result.changes) : ['no differences'];
    return [title, ...lines, output.colors.dim(`${programs}; persisted as revision ${result.revision}`)].join('\n');
  });
}
