import type { ConfigDraft, ConfigState, HistoryEntry, ProductionConfig, RevisionOptions } from '13byte-config';
import { MAX_REASON_LENGTH } from '../core/checks';
import { show } from '../core/errors';
import type { Invocation } from './command';
import { ChangeError, CliError, usageError } from './errors';
import { findOpeners, nameOfOpener, type Opener } from './openers';
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
  /** The other processes that have the database open; `null` where the system cannot tell, or without a database. */
  readonly openIn: readonly Opener[] | null;
}

/** The reason in the history if none is given: the command. */
export function defaultReason(command: readonly string[]): string {
  return [PROGRAM, ...command].join(' ').slice(0, MAX_REASON_LENGTH).toWellFormed();
}

/** A change of features or of the terminal. */
export interface Change<Details extends object> {
  /** The words of the command line, which are the reason if none is given. */
  readonly command: readonly string[];
  /** The features that it changes, checked before anything is changed. */
  readonly features?: readonly string[];
  /** Makes it. */
  edit(draft: ConfigDraft<string>): void;
  /** Whether a config has it. */
  isIn(config: ProductionConfig<string>): boolean;
  /** What is reported of it afterwards. */
  describe(config: ProductionConfig<string>, before: ConfigState): Details;
}

/**
 * Makes a change, on disk first and then in the live state of running programs, or with `--no-persist` there alone. If it
 * changes nothing, and the last revision has the live state, nothing is persisted.
 */
export function makeChange<Details extends object>(
  { target }: Invocation,
  { command, features = [], edit, isIn, describe }: Change<Details>,
): Promise<ChangeResult & Details> {
  const check = (config: ProductionConfig<string>, isNew: boolean) => {
    if (isNew) return features;
    checkFeatureNames(features, config);
    return [];
  };
  return changing(target, check, async (session) => {
    const { config } = session;
    await checkRevision(config, target);
    const before = config.getState();
    const changed = !isIn(config);
    let { revision } = config.getDebugView();
    if (!target.persist) config.update(edit);
    else if (changed || !(await isPersisted(config))) {
      const commit = () => config.commit(edit, target.reason ?? defaultReason(command), ifRevision(target));
      ({ revision } = await committing(session, true, commit));
    }
    return {
      ...identityOf(session),
      changed,
      ...describe(config, before),
      persisted: target.persist,
      revision,
      openIn: openersOf(session),
    };
  });
}

/** What can keep a commit from the disk while the live state could be changed. */
const PROBLEMS_OF_THE_DISK: ReadonlySet<unknown> = new Set([
  'ERR_DISK_FULL',
  'ERR_LIVE_FILE_BUSY',
  'ERR_STORE_BUSY',
  'ERR_STORE_IO',
]);

/**
 * Makes a commit. If it fails, says what is true now: it has changed nothing, unless not even SQLite knows whether it is on
 * disk. `mayBeLiveOnly` says whether the command takes `--no-persist`.
 */
export async function committing<T>(
  { config, live, target }: Session,
  mayBeLiveOnly: boolean,
  commit: () => Promise<T>,
): Promise<T> {
  const before = (await lastRevision(config))?.revision ?? 0;
  try {
    return await commit();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'ERR_STORE_OUTCOME_UNKNOWN') {
      const last = await readingPersisted(target, lastRevision).catch(() => null);
      if (last === null) throw new ChangeError(error, 'The database cannot be read now', null);
      if ((last?.revision ?? 0) > before) {
        throw new ChangeError(error, `Revision ${last!.revision}, ${show(last!.changeReason)}, is the last now`, null);
      }
    }
    if (!PROBLEMS_OF_THE_DISK.has(code)) throw error;
    const advice =
      live && mayBeLiveOnly ? 'With --no-persist, the change is made in the running programs alone' : undefined;
    throw new ChangeError(error, 'Nothing was changed', false, advice);
  }
}

/** The other processes that have the database open; `null` if that is not known, or there is no database. */
export function openersOf({ target }: Session): Opener[] | null {
  return target.db === undefined ? null : findOpeners(target.db);
}

/** What a change would report, of the current state. */
export function showInstead<Details extends object>(
  { target }: Invocation,
  features: readonly string[],
  describe: (config: ProductionConfig<string>) => Details,
): Promise<ChangeResult & Details> {
  return reading(target, async (session) => {
    const { config, live } = session;
    checkFeatureNames(features, config);
    const persisted = target.db !== undefined && (!live || (await isPersisted(config)));
    return {
      ...identityOf(session),
      changed: false,
      ...describe(config),
      persisted,
      revision: config.getDebugView().revision,
      openIn: openersOf(session),
    };
  });
}

export function ifRevision({ ifRevision: revision }: Target): RevisionOptions {
  return revision === undefined ? {} : { ifRevision: revision };
}

/** The last revision in the history, if there is one. */
export async function lastRevision(config: ProductionConfig<string>): Promise<HistoryEntry | undefined> {
  return config.getDebugView().store.status === 'none' ? undefined : (await config.getHistory(1))[0];
}

/** Whether the last revision has the live state, also if a program with another live state has written it. */
export async function isPersisted(config: ProductionConfig<string>): Promise<boolean> {
  return config.persisted && (await lastRevision(config))?.revision === config.getDebugView().revision;
}

/** Fails unless the last revision is the one that `--if-revision` names. */
export async function checkRevision(
  config: ProductionConfig<string>,
  { ifRevision: expected, persist: persists }: Target,
): Promise<void> {
  if (expected === undefined) return;
  if (!persists) throw usageError('--if-revision needs a database and cannot be combined with --no-persist');
  const last = (await lastRevision(config))?.revision ?? 0;
  if (last === expected) return;
  throw new CliError(
    'ERR_REVISION_CONFLICT',
    `Environment ${config.environment} is at revision ${last}, not ${expected}: another caller persisted in between. Nothing was changed`,
  );
}

/** How a change went, for people, after what was changed. */
export function changeNote({ live, persisted, revision, openIn }: ChangeResult): string {
  const programs = live ? 'running programs have it' : 'no running program shares the live state';
  if (!persisted) return `${programs}; not persisted`;
  const others = (openIn ?? []).filter(({ sharesLive }) => !sharesLive).map(nameOfOpener);
  const lines = [`${programs}; persisted as revision ${revision}`];
  if (others.length > 0) {
    const [have, take] =
      others.length === 1 ? ['has a live state of its own', 'takes'] : ['have live states of their own', 'take'];
    lines.push(
      `${others.join(', ')} ${have} and ${take} this over at the next persist() or load(), or at once with follow`,
    );
  }
  return lines.join('\n');
}
