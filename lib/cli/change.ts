import type { ConfigState, HistoryEntry, ProductionConfig } from '13byte-config';
import { MAX_REASON_LENGTH } from '../core/checks';
import type { Invocation } from './command';
import { ChangeError, CliError, usageError } from './errors';
import { ExitCode } from './exit-codes';
import type { Target } from './options';
import { PROGRAM } from './program-name';
import { changing, type Identity, identityOf, reading, readingPersisted, type Session } from './session';
import { checkFeatureNames } from './suggest';

/** What every change reports. */
export interface ChangeResult extends Identity {
  /** Whether the live state is different now. */
  readonly changed: boolean;
  /** Whether the database has the state. */
  readonly persisted: boolean;
  /** The revision that has it; the last one if it is not persisted, `null` if there is none. */
  readonly revision: number | null;
}

/** The reason in the history if none is given: the command. */
export function defaultReason(command: readonly string[]): string {
  return [PROGRAM, ...command].join(' ').slice(0, MAX_REASON_LENGTH).toWellFormed();
}

/** A change of the live state. */
export interface Change<Details extends object> {
  /** The words of the command line, which are the reason if none is given. */
  readonly command: readonly string[];
  /** The features that it changes, checked before anything is changed; left out, it changes the terminal. */
  readonly features?: readonly string[];
  /** Makes it, and returns whether that changed anything. */
  apply(config: ProductionConfig<string>): boolean;
  /** What is reported of it afterwards. */
  describe(config: ProductionConfig<string>): Details;
  /** Whether a state has the change. */
  isIn(config: ProductionConfig<string>): boolean;
}

/**
 * Makes a change, first in the live state, where running programs see it at once, then in the database. If it changes
 * nothing, and the last revision has the live state, nothing is persisted.
 */
export function makeChange<Details extends object>(
  { target }: Invocation,
  change: Change<Details>,
): Promise<ChangeResult & Details> {
  const { command, features = [], apply, describe } = change;
  const check = (config: ProductionConfig<string>) => checkFeatureNames(features, config.getFeatureNames());
  return changing(target, check, async (session) => {
    const { config } = session;
    await checkRevision(config, target);
    const before = { state: config.getState(), revision: config.getDebugView().revision ?? 0 };
    const changed = apply(config);
    const details = describe(config);
    try {
      const { persisted, revision } = await persistState(session, defaultReason(command), changed);
      return { ...identityOf(session), changed, ...details, persisted, revision };
    } catch (error) {
      throw changed ? await failureOf(error, session, change, before) : error;
    }
  });
}

/** The state before a change. */
interface Before {
  readonly state: ConfigState<string>;
  /** The last revision, 0 when there is none. */
  readonly revision: number;
}

/**
 * The error of a change that is live and could not be persisted, with what is true now: what the database has, and what
 * running programs have. If none was running, the change is undone, so that a program that starts meanwhile does not have it.
 */
async function failureOf<Details extends object>(
  cause: unknown,
  session: Session,
  change: Change<Details>,
  before: Before,
): Promise<Error> {
  const { config, live, target } = session;
  // The database may have had the change before, unlike the live state.
  const isKept = await readingPersisted(
    target,
    (persisted) => (persisted.getDebugView().revision ?? 0) > before.revision && change.isIn(persisted),
  ).catch(() => undefined);
  if (isKept) return new ChangeError(cause, 'The change is in the database, although the command failed', true);
  if (live) {
    return change.isIn(config)
      ? new ChangeError(cause, 'The change is live, but it was not persisted', true, ExitCode.notPersisted)
      : new ChangeError(cause, 'The change is not in effect, since another change was made meanwhile', false);
  }
  if (isKept === undefined)
    return new ChangeError(
      cause,
      'The database cannot be read now, so it is not known whether anything was changed',
      null,
    );
  undo(config, change.features, before.state);
  return new ChangeError(cause, 'Nothing was changed', false);
}

/** Restores these features from a state or, if no features were named, the terminal. */
function undo(
  config: ProductionConfig<string>,
  names: readonly string[] | undefined,
  { features, terminal }: ConfigState<string>,
): void {
  if (names === undefined) {
    config.setTerminalSettings(terminal.mode, terminal.rows, terminal.cols);
    return;
  }
  const known = names.flatMap((name) => (features[name] ? [{ name, ...features[name] }] : []));
  config.update((draft) => {
    for (const { name, enabled } of known) draft.set(name, enabled);
  });
  for (const { name, rollout } of known) config.setRollout(name, rollout);
}

/** What a change would report, of the current state. */
export function showInstead<Details extends object>(
  { target }: Invocation,
  features: readonly string[],
  describe: (config: ProductionConfig<string>) => Details,
): Promise<ChangeResult & Details> {
  return reading(target, async (session) => {
    const { config, live } = session;
    checkFeatureNames(features, config.getFeatureNames());
    const persisted = target.db !== undefined && (!live || (await isPersisted(config)));
    return {
      ...identityOf(session),
      changed: false,
      ...describe(config),
      persisted,
      revision: config.getDebugView().revision,
    };
  });
}

/** Persists the live state, unless nothing was changed and it is persisted already. */
async function persistState(
  { config, target }: Session,
  reason: string,
  changed: boolean,
): Promise<Pick<ChangeResult, 'persisted' | 'revision'>> {
  if (!target.persist) return { persisted: false, revision: config.getDebugView().revision };
  if (!changed && (await isPersisted(config))) return { persisted: true, revision: config.getDebugView().revision };
  const { revision } = await persist(config, target, reason);
  return { persisted: true, revision };
}

export function persist(
  config: ProductionConfig<string>,
  { reason, ifRevision }: Target,
  otherwise: string,
): Promise<HistoryEntry> {
  return config.persist(reason ?? otherwise, ifRevision === undefined ? {} : { ifRevision });
}

/** The last revision in the history, if there is one. */
export async function lastRevision(config: ProductionConfig<string>): Promise<HistoryEntry | undefined> {
  return config.getDebugView().store.status === 'none' ? undefined : (await config.getHistory(1))[0];
}

/** Whether the last revision has the live state, also if a program with another live state has written it. */
export async function isPersisted(config: ProductionConfig<string>): Promise<boolean> {
  return config.persisted && (await lastRevision(config))?.revision === config.getDebugView().revision;
}

/** Fails unless the last revision is the one that `--if-revision` names. A change that is live can no longer be refused. */
export async function checkRevision(
  config: ProductionConfig<string>,
  { ifRevision, persist: persists }: Target,
): Promise<void> {
  if (ifRevision === undefined) return;
  if (!persists) throw usageError('--if-revision needs a database and cannot be combined with --no-persist');
  const last = (await lastRevision(config))?.revision ?? 0;
  if (last === ifRevision) return;
  throw new CliError(
    'ERR_REVISION_CONFLICT',
    `Environment ${config.environment} is at revision ${last}, not ${ifRevision}: another caller persisted in between. Nothing was changed`,
  );
}

/** How a change went, for people, after what was changed. */
export function changeNote({ live, persisted, revision }: ChangeResult): string {
  const programs = live ? 'running programs have it' : 'no program is running';
  return persisted ? `${programs}; persisted as revision ${revision}` : `${programs}; not persisted`;
}
