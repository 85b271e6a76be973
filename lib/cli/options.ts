import { userInfo } from 'node:os';
import { type Command, Option } from 'commander';
import { show } from '../core/errors';
import { usageError } from './errors';

/** What every command is told by options and environment variables, checked. */
export interface Target {
  /** Path of the database. */
  readonly db: string | undefined;
  /** Name of the live state without a database. */
  readonly cluster: string | undefined;
  /** Left out, the library takes `NODE_ENV`, else `development`. */
  readonly environment: string | undefined;
  readonly actor: string;
  readonly reason: string | undefined;
  readonly json: boolean;
  readonly persist: boolean;
  readonly create: boolean;
  readonly ifRevision: number | undefined;
}

/** What commander makes of the global options. */
interface RawOptions {
  db?: string;
  env?: string;
  cluster?: string;
  actor?: string;
  reason?: string;
  json?: boolean;
  persist: boolean;
  create?: boolean;
  ifRevision?: number;
}

/** What the history keeps of a reason at most. */
export const MAX_REASON_LENGTH = 1000;

const ENVIRONMENT_VARIABLE = {
  db: 'CONFIG13BYTE_DB',
  env: 'CONFIG13BYTE_ENV',
  cluster: 'CONFIG13BYTE_CLUSTER',
  actor: 'CONFIG13BYTE_ACTOR',
  reason: 'CONFIG13BYTE_REASON',
  json: 'CONFIG13BYTE_JSON',
} as const;

/** Options that all commands take, before or after their name. */
export const COMMON_OPTIONS: readonly Option[] = [
  new Option('--db <path>', 'database of the config').env(ENVIRONMENT_VARIABLE.db),
  new Option('--env <name>', 'environment; else NODE_ENV, else development').env(ENVIRONMENT_VARIABLE.env),
  new Option('--cluster <name>', 'live state without a database, by its clusterName').env(ENVIRONMENT_VARIABLE.cluster),
  new Option('--actor <name>', 'who is recorded; else the name of the user').env(ENVIRONMENT_VARIABLE.actor),
  new Option('--reason <text>', 'why, for the history; else the command itself').env(ENVIRONMENT_VARIABLE.reason),
  new Option('--json', 'print JSON, on errors too').env(ENVIRONMENT_VARIABLE.json),
];

/** Options of the commands that change something, before or after their name. */
export const CHANGE_OPTIONS: readonly Option[] = [
  new Option('--no-persist', 'change the running programs only, not the database'),
  new Option('--create', 'make the database, or begin the history of the environment, if there is none'),
  new Option('--if-revision <number>', 'refuse unless this is the last revision (0: unless there is none)').argParser(
    (text) => wholeNumber(text, '--if-revision', 0, Number.MAX_SAFE_INTEGER),
  ),
];

/** Reads and checks the options of a command. `changes` says whether it takes those of changes. */
export function readTarget(command: Command, changes: boolean): Target {
  const raw = command.optsWithGlobals<RawOptions>();
  const source = (name: keyof RawOptions) => command.getOptionValueSourceWithGlobals(name);
  if (!changes) {
    for (const option of CHANGE_OPTIONS) {
      if (source(option.attributeName() as keyof RawOptions) === 'cli') {
        throw usageError(`${option.long} goes with commands that change something, and ${command.name()} does not`);
      }
    }
  }
  let { db, cluster } = {
    db: given(raw.db, '--db', source('db')),
    cluster: given(raw.cluster, '--cluster', source('cluster')),
  };
  if (db !== undefined && cluster !== undefined && source('db') !== source('cluster')) {
    // What is typed is meant; what the environment says is a default.
    if (source('db') === 'cli') cluster = undefined;
    else db = undefined;
  }
  if (db !== undefined && cluster !== undefined) {
    throw usageError(
      '--db and --cluster exclude each other: live state that belongs to a database is found by the database',
    );
  }
  return {
    db,
    cluster,
    environment: given(raw.env, '--env', source('env')),
    actor: given(raw.actor, '--actor', source('actor')) ?? userName(),
    reason: checkReason(given(raw.reason, '--reason', source('reason'))),
    json: wantsJson(raw.json, source('json')),
    persist: raw.persist && cluster === undefined,
    create: raw.create ?? false,
    ifRevision: raw.ifRevision,
  };
}

/** Whether JSON is asked for, also when the rest of the command line is wrong. */
export function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (
    args.slice(0, end === -1 ? args.length : end).includes('--json') || isOn(process.env[ENVIRONMENT_VARIABLE.json])
  );
}

/** A whole number in a range, of an argument or option. */
export function wholeNumber(text: string, what: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min}-${max}`;
  throw usageError(`Invalid ${what}: ${show(text)} (must be a whole number, ${range})`);
}

/** The library would refuse it when it persists, which is after the live state was changed. */
function checkReason(reason: string | undefined): string | undefined {
  if (reason === undefined || (reason.trim() !== '' && reason.length <= MAX_REASON_LENGTH && reason.isWellFormed()))
    return reason;
  throw usageError(
    `Invalid --reason: it has to be up to ${MAX_REASON_LENGTH} characters of valid Unicode, and not blank`,
  );
}

/** An environment variable that is set to nothing counts as none, an option on the command line does not. */
function given(value: string | undefined, option: string, source: string | undefined): string | undefined {
  if (value !== '') return value;
  if (source === 'env') return undefined;
  throw usageError(`Invalid ${option}: it is empty`);
}

function wantsJson(value: boolean | undefined, source: string | undefined): boolean {
  return source === 'env' ? isOn(process.env[ENVIRONMENT_VARIABLE.json]) : (value ?? false);
}

/** Commander takes a switch for set whatever its variable says. */
function isOn(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false', 'no', 'off'].includes(value.toLowerCase());
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry, as in containers.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
