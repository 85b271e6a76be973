import type { HistoryEntry, ProductionConfig } from '13byte-config';
import { CliError, NotPersistedError } from './errors';
import { PROGRAM, type Invocation } from './command';
import { MAX_REASON_LENGTH, type Target } from './options';
import { changing, type Identity, identityOf, reading, readingPersisted, type Session } from './session';
import { checkFeatureNames } from './suggest';

/** What every change tells. */
export interface ChangeResult extends Identity {
  /** Whether the live state is another one now. */
  readonly changed: boolean;
  /** Whether the database has the state. */
  readonly persisted: boolean;
  /** The revision that has it; the last one when it is not persisted, `null` when there is none. */
  readonly revision: number | null;
}

/** What the history says when no reason is given: the command. */
export function defaultReason(command: readonly string[]): string {
  return [PROGRAM, ...command].join(' ').slice(0, MAX_REASON_LENGTH);
}

/** A change of the live state. */
export interface Change<Details extends object> {
  /** What the history says when no reason is given, in words of the command line. */
  readonly command: readonly string[];
  /** The features that it names. They are checked before anything is changed. */
  readonly features?: readonly string[];
  /** Makes it, and tells whether that changed anything. */
  apply(config: ProductionConfig<string>): boolean;
  /** What is told of it afterwards. */
  describe(config: ProductionConfig<string>): Details;
}

/**
 * Makes a change, first in the live state, where running programs see it at once, then in the database. When it changes
 * nothing, and the last revision has the live state, nothing is persisted.
 */
export function makeChange<Details extends object>(
  { target }: Invocation,
  { command, features = [], apply, describe }: Change<Details>,
): Promise<ChangeResult & Details> {
  const check = (known: readonly string[]) => checkFeatureNames(features, known);
  return changing(target, check, async (session) => {
    const { config } = session;
    await checkRevision(config, target);
    const changed = apply(config);
    const details = describe(config);
    const { persisted, revision } = await persistState(session, defaultReason(command), changed);
    return { ...identityOf(session), changed, ...details, persisted, revision };
  });
}

/** What a change would tell, of the state as it is. */
export function showInstead<Details extends object>(
  { target }: Invocation,
  features: readonly string[],
  describe: (config: ProductionConfig<string>) => Details,
): Promise<ChangeResult & Details> {
  return reading(target, async (session) => {
    const { config, live } = session;
    checkFeatureNames(features, config.getFeatureNames());
    const persisted = target.db !== undefined && (!live || (await isPersisted(config, target)));
    return { ...identityOf(session), changed: false, ...describe(config), persisted, revision: config.getDebugView().revision };
  });
}

/** Persists the live state, after a change or because it was asked for. */
async function persistState(
  { config, target }: Session,
  reason: string,
  changed: boolean,
): Promise<Pick<ChangeResult, 'persisted' | 'revision'>> {
  if (!target.persist) return { persisted: false, revision: config.getDebugView().revision };
  try {
    if (!changed && (await isPersisted(config, target))) return { persisted: true, revision: config.getDebugView().revision };
    const { revision } = await persist(config, target, reason);
    return { persisted: true, revision };
  } catch (error) {
    throw changed ? new NotPersistedError(error) : error;
  }
}

export function persist(config: ProductionConfig<string>, { reason, ifRevision }: Target, otherwise: string): Promise<HistoryEntry> {
  return config.persist(reason ?? otherwise, ifRevision === undefined ? {} : { ifRevision });
}

/** Whether the last revision has the state that the config has now. */
export function isPersisted(config: ProductionConfig<string>, target: Target): Promise<boolean> {
  return readingPersisted(target, (persisted) => {
    const [live, kept] = [config.getDebugView(), persisted.getDebugView()];
    return kept.revision !== null && live.raw.hex === kept.raw.hex && sameRollouts(live.rollouts, kept.rollouts);
  });
}

function sameRollouts(some: { readonly [name: string]: number }, others: { readonly [name: string]: number }): boolean {
  const names = Object.keys(some);
  return names.length === Object.keys(others).length && names.every((name) => some[name] === others[name]);
}

/** Refuses another last revision than the one that was asked for, before the live state is changed, since that cannot be refused any more afterwards. */
export async function checkRevision(config: ProductionConfig<string>, { ifRevision, persist: persists }: Target): Promise<void> {
  if (ifRevision === undefined) return;
  if (!persists) throw new CliError('ERR_USAGE', '--if-revision needs a database and goes without --no-persist');
  const last = (await config.getHistory(1))[0]?.revision ?? 0;
  if (last === ifRevision) return;
  throw new CliError(
    'ERR_REVISION_CONFLICT',
    `Environment ${config.environment} is at revision ${last}, not ${ifRevision}: somebody persisted in between. Nothing was changed`,
  );
}

/** How a change went, for people, after what was changed. */
export function changeNote({ live, persisted, revision }: ChangeResult): string {
  const programs = live ? 'running programs have it' : 'no program is running';
  return persisted ? `${programs}; persisted as revision ${revision}` : `${programs}; not persisted`;
}
