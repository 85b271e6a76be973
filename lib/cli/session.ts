import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { createProductionConfig, DEFAULT_FEATURES, type ProductionConfig } from '13byte-config';
import { printable } from '../core/errors';
import { PROGRAM } from './program-name';
import { CliError, usageError } from './errors';
import { pathText } from './output';
import type { Target } from './options';
import { hint } from './suggest';

/** A config that is open for the time of a command. */
export interface Session {
  readonly config: ProductionConfig<string>;
  /** Whether it is the state of running programs; else it is what the database says. */
  readonly live: boolean;
  readonly target: Target;
}

/** What identifies the config, in every result. */
export interface Identity {
  readonly database: string | null;
  readonly cluster: string | null;
  readonly environment: string;
  readonly live: boolean;
}

export function identityOf({ config, live, target }: Session): Identity {
  return {
    database: target.db ?? null,
    cluster: target.cluster ?? null,
    environment: config.environment,
    live,
  };
}

/** Opens the config without changing anything, neither in memory nor on disk, and closes it after the work. */
export function reading<T>(target: Target, work: (session: Session) => Promise<T>): Promise<T> {
  return during(openForReading(target), work);
}

/**
 * Opens the live state to listen to, and closes it after the work. Where no program uses it yet, that of a database is made,
 * since those that start later join it.
 */
export function watching<T>(target: Target, work: (session: Session) => Promise<T>): Promise<T> {
  return during(openForWatching(target), work);
}

/** Refuses names that are not among those of all features. */
export type CheckNames = (known: readonly string[]) => void;

/**
 * Opens the config for changes, which running programs see at once, and closes it after the work. `check` is called
 * before anything is made or changed.
 */
export function changing<T>(target: Target, check: CheckNames, work: (session: Session) => Promise<T>): Promise<T> {
  return during(openForChange(target, check), work);
}

/** The last persisted state, whatever the live one is. */
export async function readingPersisted<T>(
  target: Target,
  work: (config: ProductionConfig<string>) => Promise<T> | T,
): Promise<T> {
  const config = createProductionConfig<readonly string[]>(databaseOptions(target, true));
  try {
    return await work(config);
  } finally {
    await config.close();
  }
}

async function during<T>(opening: Promise<Session>, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await opening;
  try {
    return await work(session);
  } finally {
    await session.config.close();
  }
}

async function openForReading(target: Target): Promise<Session> {
  const joined = joinToRead(target);
  if (joined) return { config: joined, live: true, target };
  if (target.db === undefined) throw nobodyShares(target);
  const config = createProductionConfig<readonly string[]>(databaseOptions(target, true));
  try {
    await checkEnvironment(config);
  } catch (error) {
    await config.close();
    throw error;
  }
  return { config, live: false, target };
}

/** Who may not use the live state can still read the database. */
function joinToRead(target: Target): ProductionConfig<string> | undefined {
  try {
    return join(target, true);
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (code !== 'ERR_LIVE_FILE_PERMISSION' || target.db === undefined) throw error;
    process.stderr.write(
      `${PROGRAM}: ${message}. This is what is persisted; running programs may have another state\n`,
    );
    return undefined;
  }
}

async function openForWatching(target: Target): Promise<Session> {
  const joined = join(target, true);
  if (joined) return { config: joined, live: true, target };
  if (target.db === undefined) throw nobodyShares(target);
  await readingPersisted(target, checkEnvironment);
  checkOwner(target.db);
  return {
    config: createProductionConfig<readonly string[]>({ ...databaseOptions(target, true), enableClusterSync: true }),
    live: false,
    target,
  };
}

async function openForChange(target: Target, check: CheckNames): Promise<Session> {
  await refuseForeign(target);
  const joined = join(target, false);
  if (joined) return checked({ config: joined, live: true, target }, check);
  if (target.db === undefined) throw nobodyShares(target);
  if (!target.persist) {
    throw new CliError(
      'ERR_NOT_LIVE',
      `No program uses ${pathText(target.db)} at the moment, so a change with --no-persist would be lost at once (leave --no-persist out)`,
    );
  }
  await checkBeforeMaking(target, check);
  const config = createProductionConfig<readonly string[]>({
    ...databaseOptions(target, false),
    enableClusterSync: true,
    fileMustExist: !target.create,
  });
  return checked({ config, live: false, target }, check);
}

/**
 * Refuses to make files as another user than the owner of the database, whose programs could then not use the live state.
 * Root makes them for the owner.
 */
function checkOwner(db: string): void {
  const user = process.geteuid?.();
  const owner = statSync(db, { throwIfNoEntry: false })?.uid;
  if (user === undefined || user === 0 || owner === undefined || owner === user) return;
  // Where nothing can be written, opening says so.
  if (!mayWrite(db)) return;
  throw new CliError(
    'ERR_LIVE_FILE_PERMISSION',
    `The database ${pathText(db)} belongs to user ${owner}, and its programs could not share live state that user ${user} makes. Nothing was changed; run this as user ${owner}`,
  );
}

/** To be called before anything is opened for writing. Where programs share live state, whose it is decides. */
async function refuseForeign(target: Target): Promise<void> {
  const { db, persist } = target;
  if (db === undefined || !persist || !existsSync(db)) return;
  try {
    checkOwner(db);
  } catch (error) {
    const joined = join(target, true);
    if (!joined) throw error;
    await joined.close();
  }
}

function mayWrite(file: string): boolean {
  try {
    accessSync(file, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Somebody else may have added features or made the database since, so what is open is checked in any case. */
async function checked(session: Session, check: CheckNames): Promise<Session> {
  try {
    check(session.config.getFeatureNames());
    return session;
  } catch (error) {
    await session.config.close();
    throw error;
  }
}

async function checkBeforeMaking(target: Target, check: CheckNames): Promise<void> {
  try {
    await readingPersisted(target, async (config) => {
      if (!target.create) await checkEnvironment(config);
      check(config.getFeatureNames());
    });
  } catch (error) {
    if (!target.create || (error as { code?: string }).code !== 'ERR_STORE_NOT_FOUND') throw error;
    check(DEFAULT_FEATURES);
  }
}

/** The live state that running programs share; nothing when none does. */
function join(target: Target, readOnly: boolean): ProductionConfig<string> | undefined {
  try {
    return createProductionConfig<readonly string[]>({
      ...(target.db === undefined ? clusterOptions(target, readOnly) : databaseOptions(target, readOnly)),
      enableClusterSync: true,
      liveMustExist: true,
    });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ERR_NOT_LIVE') return undefined;
    if (code === 'ERR_STORE_NOT_FOUND' && target.create) return undefined;
    // Where programs cannot share live state, the database is all there is.
    if (code === 'ERR_UNSUPPORTED' && target.db !== undefined) return undefined;
    throw code === 'ERR_STORE_NOT_FOUND' ? noDatabase(target, readOnly, error) : error;
  }
}

function databaseOptions({ db, environment, actor }: Target, readOnly: boolean) {
  return {
    persistPath: needDatabase(db),
    ...(environment !== undefined && { environment }),
    actor,
    readOnly,
    fileMustExist: true,
  };
}

function clusterOptions({ cluster, environment, actor }: Target, readOnly: boolean) {
  if (cluster === undefined) needDatabase(undefined);
  return {
    ...(cluster !== undefined && { clusterName: cluster }),
    ...(environment !== undefined && { environment }),
    actor,
    readOnly,
  };
}

/** The database of a command that cannot do without one. */
export function needDatabase(db: string | undefined): string {
  if (db !== undefined) return db;
  throw usageError(
    'Which config? Name its database with --db <path> or CONFIG13BYTE_DB, or live state without one with --cluster <name>',
  );
}

function nobodyShares({ cluster, environment }: Target): CliError {
  const where = environment === undefined ? '' : `, environment ${printable(environment)}`;
  return new CliError(
    'ERR_NOT_LIVE',
    `No program shares the live state of cluster ${printable(`${cluster}`)}${where} (is it running, as the same user?)`,
  );
}

function noDatabase({ db }: Target, readOnly: boolean, cause: unknown): CliError {
  const advice = readOnly ? 'check --db' : 'check --db, or make one with --create';
  return new CliError('ERR_STORE_NOT_FOUND', `No database at ${pathText(`${db}`)} (${advice})`, { cause });
}

/** An environment without a history that no program uses is more likely a misspelt one, or NODE_ENV is not set. */
async function checkEnvironment(config: ProductionConfig<string>): Promise<void> {
  const { environment } = config;
  const environments = await config.getEnvironments();
  if (environments.includes(environment)) return;
  const there = environments.length === 0 ? 'it is empty' : `it has ${printable(environments.join(', '), 1000)}`;
  throw new CliError(
    'ERR_ENVIRONMENT_NOT_FOUND',
    `Environment ${environment} has no history in this database, and no program uses it: ${there}.` +
      `${hint(environment, environments)} Choose one with --env; commands that change something begin a new one with --create`,
  );
}
