import { type Command, Option } from 'commander';
import { checkReason } from '../core/checks';
import { messageOf, show } from '../core/errors';
import { usageError } from './errors';

/** The options and environment variables of every command, checked. */
export interface Target {
  /** Path of the database. */
  readonly db: string | undefined;
  /** Name of a live state without a database. */
  readonly cluster: string | undefined;
  /** Default: that of the library, `NODE_ENV` or `development`. */
  readonly environment: string | undefined;
  /** Default: that of the library, the user name and the process id. */
  readonly actor: string | undefined;
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
  new Option('--env <name>', 'environment; default: NODE_ENV, or development').env(ENVIRONMENT_VARIABLE.env),
  new Option('--cluster <name>', 'clusterName of a live state without a database').env(ENVIRONMENT_VARIABLE.cluster),
  new Option('--actor <name>', 'who is recorded; default: user name and process id').env(ENVIRONMENT_VARIABLE.actor),
  new Option('--reason <text>', 'why, for the history; default: the command').env(ENVIRONMENT_VARIABLE.reason),
  new Option('--json', 'print JSON, also for errors').env(ENVIRONMENT_VARIABLE.json),
];

/** Options of the commands that change something, before or after their name. */
export const CHANGE_OPTIONS: readonly Option[] = [
  new Option('--no-persist', 'change the running programs only, not the database'),
  new Option(
    '--create',
    'create the database, with the features that are named, or start the history of the environment, if there is none',
  ),
  new Option('--if-revision <number>', 'fail unless this is the last revision (0: no revision yet)').argParser((text) =>
    wholeNumber(text, '--if-revision', 0, Number.MAX_SAFE_INTEGER),
  ),
];

/** Reads and checks the options of a command; `changes`: whether it takes {@link CHANGE_OPTIONS}. */
export function readTarget(command: Command, changes: boolean): Target {
  const raw = command.optsWithGlobals<RawOptions>();
  const source = (name: keyof RawOptions) => command.getOptionValueSourceWithGlobals(name);
  if (!changes) {
    for (const option of CHANGE_OPTIONS) {
      if (source(option.attributeName() as keyof RawOptions) === 'cli') {
        throw usageError(`${option.long} cannot be combined with ${command.name()}, which changes nothing`);
      }
    }
  }
  let { db, cluster } = {
    db: given(raw.db, '--db', source('db')),
    cluster: given(raw.cluster, '--cluster', source('cluster')),
  };
  if (db !== undefined && cluster !== undefined && source('db') !== source('cluster')) {
    // An option on the command line overrides an environment variable.
    if (source('db') === 'cli') cluster = undefined;
    else db = undefined;
  }
  if (db !== undefined && cluster !== undefined) {
    throw usageError('--db and --cluster cannot be combined: the live state of a database is found by the database');
  }
  return {
    db,
    cluster,
    environment: given(raw.env, '--env', source('env')),
    actor: given(raw.actor, '--actor', source('actor')),
    reason: checkedReason(given(raw.reason, '--reason', source('reason'))),
    json: wantsJson(raw.json, source('json')),
    persist: raw.persist && cluster === undefined,
    create: raw.create ?? false,
    ifRevision: raw.ifRevision,
  };
}

/** Whether JSON is requested, even if the rest of the command line is wrong. */
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

/** The library checks it too, but does not know the name of the option. */
function checkedReason(reason: string | undefined): string | undefined {
  try {
    return reason === undefined ? undefined : checkReason(reason, '--reason');
  } catch (error) {
    throw usageError(messageOf(error));
  }
}

/** An empty environment variable counts as unset; an empty option is an error. */
function given(value: string | undefined, option: string, source: string | undefined): string | undefined {
  if (value !== '') return value;
  if (source === 'env') return undefined;
  throw usageError(`Invalid ${option}: "" (must not be empty)`);
}

function wantsJson(value: boolean | undefined, source: string | undefined): boolean {
  return source === 'env' ? isOn(process.env[ENVIRONMENT_VARIABLE.json]) : (value ?? false);
}

/** Commander treats a switch as set, whatever its variable holds. */
function isOn(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false', 'no', 'off'].includes(value.toLowerCase());
}
