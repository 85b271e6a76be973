import type { ConfigState, HistoryEntry, ProductionConfig } from '13byte-config';
import { ChangeError, CliError } from './errors';
import type { Invocation } from './command';
import { PROGRAM } from './program-name';
import { ExitCode } from './exit-codes';
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
  /** The features that it is about, checked before anything is changed; left out, it is about the terminal. */
  readonly features?: readonly string[];
  /** Makes it, and tells whether that changed anything. */
  apply(config: ProductionConfig<string>): boolean;
  /** What is told of it afterwards. */
  describe(config: ProductionConfig<string>): Details;
  /** Whether a state has the change. */
  isIn(config: ProductionConfig<string>): boolean;
}

/**
 * Makes a change, first in the live state, where running programs see it at once, then in the database. When it changes
 * nothing, and the last revision has the live state, nothing is persisted.
 */
export function makeChange<Details extends object>(
  { target }: Invocation,
  change: Change<Details>,
): Promise<ChangeResult & Details> {
  const { command, features = [], apply, describe } = change;
  const check = (known: readonly string[]) => checkFeatureNames(features, known);
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

/** What there was before a change. */
interface Before {
  readonly state: ConfigState<string>;
  /** The last revision, 0 when there is none. */
  readonly revision: number;
}

/**
 * The error of a change that is live and could not be persisted, with what is true now: what the database has, and what
 * running programs have. Where none was running, the change is taken back, so that none which starts meanwhile has it.
 */
async function failureOf<Details extends object>(
  cause: unknown,
  session: Session,
  change: Change<Details>,
  before: Before,
): Promise<Error> {
  const { config, live, target } = session;
  // Before, the database may have had what the change makes, and the live state not.
  const isKept = await readingPersisted(
    target,
    (persisted) => (persisted.getDebugView().revision ?? 0) > before.revision && change.isIn(persisted),
  ).catch(() => undefined);
  if (isKept)
    return new ChangeError(cause, 'The change was made and is in the database, although the command failed', true);
  if (live) {
    return change.isIn(config)
      ? new ChangeError(cause, 'The change is live, but it was not persisted', true, ExitCode.notPersisted)
      : new ChangeError(cause, 'The change is not in effect, since another one was made meanwhile', false);
  }
  if (isKept === undefined)
    return new ChangeError(
      cause,
      'The database cannot be read now, so whether anything was changed is not known',
      null,
    );
  takeBack(config, change.features, before.state);
  return new ChangeError(cause, 'Nothing was changed', false);
}

/** Goes back to what a state says of these features or, where no features were named, of the terminal. */
function takeBack(
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
    return {
      ...identityOf(session),
      changed: false,
      ...describe(config),
      persisted,
      revision: config.getDebugView().revision,
    };
  });
}

/** Persists the live state, after a change or because it was asked for. */
async function persistState(
  { config, target }: Session,
  reason: string,
  changed: boolean,
): Promise<Pick<ChangeResult, 'persisted' | 'revision'>> {
  if (!target.persist) return { persisted: false, revision: config.getDebugView().revision };
  if (!changed && (await isPersisted(config, target)))
    return { persisted: true, revision: config.getDebugView().revision };
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
export async function checkRevision(
  config: ProductionConfig<string>,
  { ifRevision, persist: persists }: Target,
): Promise<void> {
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
