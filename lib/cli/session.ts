import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { createProductionConfig, type FeatureList, type ProductionConfig } from '13byte-config';
import { printable } from '../core/errors';
import { PROGRAM } from './program-name';
import { CliError, usageError } from './errors';
import { pathText } from './output';
import type { Target } from './options';
import { hint } from './suggest';

/** Opens a config whose features are not known when this is compiled. */
const openConfig = createProductionConfig<FeatureList>;

/** A config that is open while a command runs. */
export interface Session {
  readonly config: ProductionConfig<string>;
  /** Whether running programs share its state; otherwise it is what is persisted. */
  readonly live: boolean;
  /** Whether its database is to be created; until then the config is in memory. */
  readonly isNew: boolean;
  readonly target: Target;
}

/** What identifies the config in every result. */
export interface Identity {
  readonly database: string | null;
  readonly cluster: string | null;
  readonly environment: string;
  readonly live: boolean;
}

export function identityOf({ config, live, target }: Omit<Session, 'isNew'>): Identity {
  return {
    database: target.db ?? null,
    cluster: target.cluster ?? null,
    environment: config.environment,
    live,
  };
}

/**
 * Looks at a config before a change, and throws if the change cannot be made. Returns the features that it registers or
 * declares, if there are any. `isNew` says that the database is to be created, so that no program has named features yet.
 */
export type Check = (
  config: ProductionConfig<string>,
  isNew: boolean,
) => void | FeatureList | Promise<void | FeatureList>;

/** Opens the config without creating or changing anything, and closes it after the work. */
export function reading<T>(target: Target, work: (session: Session) => Promise<T>): Promise<T> {
  return during(openToRead({ ...target, create: false }), work);
}

/** The same for what a change would begin with, which with `--create` may be a database that does not exist yet. */
export function readingBeforeChange<T>(target: Target, work: (session: Session) => Promise<T>): Promise<T> {
  return during(openToRead(target), work);
}

/** Opens what is persisted, whatever the live state is, and closes it after the work. */
export async function readingPersisted<T>(
  target: Target,
  work: (config: ProductionConfig<string>) => Promise<T> | T,
): Promise<T> {
  return await during(openPersisted(target), async ({ config }) => await work(config));
}

/**
 * Opens the live state to listen to it, and closes it after the work. Creates that of a database if no program uses it yet,
 * since programs that start later join it.
 */
export function watching<T>(target: Target, work: (session: Session) => Promise<T>): Promise<T> {
  return during(openToWatch(target), work);
}

/** Opens the config for changes, which running programs see at once, and closes it after the work. */
export function changing<T>(target: Target, check: Check, work: (session: Session) => Promise<T>): Promise<T> {
  return during(openToChange(target, check), work);
}

async function during<T>(opening: Promise<Session>, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await opening;
  try {
    return await work(session);
  } finally {
    await session.config.close();
  }
}

/** Closes the session if the work fails. */
async function unlessFailed<T>({ config }: Session, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await config.close();
    throw error;
  }
}

async function openToRead(target: Target): Promise<Session> {
  try {
    return await openExisting(target, true);
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (code !== 'ERR_LIVE_FILE_PERMISSION' || target.db === undefined) throw error;
    // A user who may not use the live state can still read the database.
    process.stderr.write(
      `${PROGRAM}: ${message}. This is what is persisted; running programs may have a different state\n`,
    );
    return await openPersisted(target, target.create ? undefined : checkEnvironment);
  }
}

async function openToWatch(target: Target): Promise<Session> {
  const found = await openExisting({ ...target, create: false }, true);
  if (found.live) return found;
  await found.config.close();
  checkOwner(needDatabase(target.db));
  return { ...found, config: openConfig({ ...databaseOptions(target, true), enableClusterSync: true }) };
}

async function openToChange(target: Target, check: Check): Promise<Session> {
  await refuseForeign(target);
  const found = await openExisting(target, false);
  const features = await unlessFailed(found, async () => {
    if (!found.live && !target.persist) throw nothingToChange(target);
    return (await check(found.config, found.isNew)) ?? [];
  });
  if (found.live && Object.keys(features).length === 0) return found;
  await found.config.close();
  // With a live state, which programs that start meanwhile join.
  const config = openConfig({
    ...databaseOptions(target, false),
    features,
    enableClusterSync: true,
    fileMustExist: !target.create,
  });
  return { ...found, config };
}

/**
 * Opens what there is and creates nothing: the live state if running programs share one, otherwise what is persisted, and
 * with `--create` a config in memory for a database that does not exist yet.
 */
async function openExisting(target: Target, readOnly: boolean): Promise<Session> {
  if (target.db === undefined) return { config: joinCluster(target, readOnly), live: true, isNew: false, target };
  let config: ProductionConfig<string>;
  try {
    config = openConfig({ ...databaseOptions(target, readOnly), enableClusterSync: 'if-live' });
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_STORE_NOT_FOUND') throw error;
    if (!target.create) throw noDatabase(target, readOnly, error);
    return { config: openConfig(commonOptions(target, false)), live: false, isNew: true, target };
  }
  const session = { config, live: config.live, isNew: false, target };
  if (!session.live && !target.create) await unlessFailed(session, () => checkEnvironment(config));
  return session;
}

async function openPersisted(
  target: Target,
  check: (config: ProductionConfig<string>) => Promise<void> = async () => {},
): Promise<Session> {
  const session = { config: openConfig(databaseOptions(target, true)), live: false, isNew: false, target };
  await unlessFailed(session, () => check(session.config));
  return session;
}

function joinCluster(target: Target, readOnly: boolean): ProductionConfig<string> {
  const { cluster } = target;
  if (cluster === undefined) needDatabase(undefined);
  try {
    return openConfig({
      ...commonOptions(target, readOnly),
      ...(cluster !== undefined && { clusterName: cluster }),
      enableClusterSync: true,
      liveMustExist: true,
    });
  } catch (error) {
    throw (error as { code?: string }).code === 'ERR_NOT_LIVE' ? notShared(target) : error;
  }
}

/**
 * Fails for users other than the owner of the database, whose programs could not use a live state that this user creates.
 * Root creates files for the owner.
 */
function checkOwner(db: string): void {
  const user = process.geteuid?.();
  const owner = statSync(db, { throwIfNoEntry: false })?.uid;
  if (user === undefined || user === 0 || owner === undefined || owner === user) return;
  // If nothing can be written, opening says so.
  if (!mayWrite(db)) return;
  throw new CliError(
    'ERR_LIVE_FILE_PERMISSION',
    `The database ${pathText(db)} belongs to user ${owner}, whose programs could not share a live state that user ${user} creates. Nothing was changed; run this as user ${owner}`,
  );
}

/** To be called before anything is opened for writing. If programs share a live state, its owner is what counts. */
async function refuseForeign(target: Target): Promise<void> {
  const { db, persist } = target;
  if (db === undefined || !persist || !existsSync(db)) return;
  try {
    checkOwner(db);
  } catch (error) {
    const { config, live } = await openExisting({ ...target, create: true }, true);
    await config.close();
    if (!live) throw error;
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

/** Without names: the command line registers those alone that were typed or imported. */
function commonOptions({ environment, actor }: Target, readOnly: boolean) {
  return {
    features: [],
    ...(environment !== undefined && { environment }),
    ...(actor !== undefined && { actor }),
    readOnly,
  };
}

function databaseOptions(target: Target, readOnly: boolean) {
  return { ...commonOptions(target, readOnly), persistPath: needDatabase(target.db), fileMustExist: true };
}

/** The database of a command that needs one. */
export function needDatabase(db: string | undefined): string {
  if (db !== undefined) return db;
  throw usageError(
    'No config given. Name its database with --db <path> or CONFIG13BYTE_DB, or a live state without one with --cluster <name>',
  );
}

function nothingToChange({ db }: Target): CliError {
  return new CliError(
    'ERR_NOT_LIVE',
    `No running program uses ${pathText(`${db}`)}, so a change with --no-persist would be lost (leave out --no-persist)`,
  );
}

function notShared({ cluster, environment }: Target): CliError {
  const where = environment === undefined ? '' : `, environment ${printable(environment)}`;
  return new CliError(
    'ERR_NOT_LIVE',
    `No program shares the live state of cluster ${printable(`${cluster}`)}${where} (is it running, as the same user?)`,
  );
}

export function noDatabase({ db }: Target, readOnly: boolean, cause?: unknown): CliError {
  const advice = readOnly ? 'check --db' : 'check --db, or create it with --create';
  return new CliError('ERR_STORE_NOT_FOUND', `No database at ${pathText(`${db}`)} (${advice})`, { cause });
}

/** An environment that has no history and no running program is probably misspelt, or NODE_ENV is not set. */
async function checkEnvironment(config: ProductionConfig<string>): Promise<void> {
  const { environment } = config;
  const environments = await config.getEnvironments();
  if (environments.includes(environment)) return;
  const existing = environments.length === 0 ? 'it is empty' : `it has ${printable(environments.join(', '), 1000)}`;
  throw new CliError(
    'ERR_ENVIRONMENT_NOT_FOUND',
    `Environment ${environment} has no history in this database, and no program uses it: ${existing}.` +
      `${hint(environment, environments)} Choose one with --env, or start its history with a change and --create`,
  );
}
