import type { AutoPersistOptions } from './extras/auto-persist';
import { checkBoolean, checkInteger, checkKeys, checkString, checkText } from './checks';
import { makeError, show } from './errors';
import type { DEFAULT_FEATURES } from './generated/layout';
import { native } from './native';

/** The features of a config that lists none, from bit 0 up. */
export type DefaultFeature = (typeof DEFAULT_FEATURES)[number];

/** Options of {@link createProductionConfig} and {@link createDevelopmentConfig}. Unknown ones are refused. */
export interface ConfigOptions<Features extends readonly string[] = readonly DefaultFeature[]> {
  /**
   * SQLite file that keeps the history. It is made when missing; its directory must exist. Left out, the config lives
   * in memory alone.
   */
  persistPath?: string | undefined;

  /**
   * Which of the histories in the file this config reads and writes: a letter, digit or `_`, then up to 63 letters,
   * digits, `_`, `.` or `-`. Default: `NODE_ENV`, else `development`.
   */
  environment?: string | undefined;

  /**
   * Names of the features, up to 32: each a letter, then up to 62 letters, digits, `_`, `.` or `-`. A name keeps the
   * bit it first got in a database, wherever it stands in later lists. Default: the names the database has, or
   * {@link DEFAULT_FEATURES} in a new one.
   */
  features?: Features | undefined;

  /**
   * Shares the live state with every process and thread of this machine that opens the same database and environment:
   * one memory, in which a flip is seen at once. Without `persistPath`, processes with the same `clusterName` share.
   * Default false: the state is this config's own.
   */
  enableClusterSync?: boolean | undefined;

  /**
   * With `enableClusterSync` and without `persistPath`: who shares. Same rule as `environment`. Default: the processes
   * with the same working directory.
   */
  clusterName?: string | undefined;

  /**
   * Persists the changes made through this config by itself, with reason `auto`, a quarter of a second after the first
   * of them, or `debounceMs` milliseconds. What the last revision holds already is not persisted again. Needs
   * `persistPath`. Default false.
   */
  autoPersist?: boolean | AutoPersistOptions | undefined;

  /** Times every operation and shows the figures in the debug view. Costs some 100 ns an operation. Default false. */
  debugMode?: boolean | undefined;

  /** Who is recorded with each revision, up to 255 characters. Default: the user and the process id. */
  actor?: string | undefined;

  /** Starts from the last persisted state when there is one. Default true. */
  autoLoad?: boolean | undefined;

  /**
   * What happens when the database cannot be opened: `throw` (default) throws the error; `degrade` runs in memory
   * alone, and says so in `validate()`, in the debug view and in the rejection of every `persist()`.
   */
  onStoreError?: 'throw' | 'degrade' | undefined;

  /** Refuses every change of the state and of the database, which must exist. Default false. */
  readOnly?: boolean | undefined;

  /** Refuses to make the database when there is none at `persistPath` (`ERR_STORE_NOT_FOUND`). Default false. */
  fileMustExist?: boolean | undefined;

  /**
   * With `enableClusterSync`: joins the live state that others have in use, and otherwise refuses to make one
   * (`ERR_NOT_LIVE`). For tools that only make sense beside running programs. Default false.
   */
  liveMustExist?: boolean | undefined;
}

/** Options after all checks, with the defaults filled in. */
export interface CheckedOptions {
  readonly persistPath: string | undefined;
  readonly environment: string;
  readonly features: readonly string[] | undefined;
  readonly clusterSync: boolean;
  readonly clusterName: string | undefined;
  readonly autoPersistMs: number | undefined;
  readonly debugMode: boolean;
  readonly actor: string | undefined;
  readonly autoLoad: boolean;
  readonly degrade: boolean;
  readonly readOnly: boolean;
  readonly fileMustExist: boolean;
  readonly liveMustExist: boolean;
}

const OPTION_NAMES: readonly (keyof ConfigOptions)[] = [
  'persistPath',
  'environment',
  'features',
  'enableClusterSync',
  'clusterName',
  'autoPersist',
  'debugMode',
  'actor',
  'autoLoad',
  'onStoreError',
  'readOnly',
  'fileMustExist',
  'liveMustExist',
];

const MAX_ACTOR_LENGTH = 255;

const DEFAULT_DEBOUNCE_MS = 250;

/** A day. */
const MAX_DEBOUNCE_MS = 86_400_000;

/** Checks every option before anything is opened. An option set to `undefined` counts as left out. */
export function checkOptions(options: unknown = {}): CheckedOptions {
  const given = checkKeys(options, 'options', OPTION_NAMES) as { [name in keyof ConfigOptions]: unknown };
  const checked = {
    persistPath: optional(given.persistPath, (value) => checkPath(value, 'persistPath')),
    environment: optional(given.environment, checkEnvironment) ?? defaultEnvironment(),
    features: optional(given.features, checkFeatures),
    clusterSync: checkFlag(given.enableClusterSync, 'enableClusterSync', false),
    clusterName: optional(given.clusterName, (value) => checkName(value, 'clusterName')),
    autoPersistMs: optional(given.autoPersist, checkAutoPersist),
    debugMode: checkFlag(given.debugMode, 'debugMode', false),
    actor: optional(given.actor, checkActor),
    autoLoad: checkFlag(given.autoLoad, 'autoLoad', true),
    degrade: optional(given.onStoreError, checkOnStoreError) === 'degrade',
    readOnly: checkFlag(given.readOnly, 'readOnly', false),
    fileMustExist: checkFlag(given.fileMustExist, 'fileMustExist', false),
    liveMustExist: checkFlag(given.liveMustExist, 'liveMustExist', false),
  };
  if (checked.clusterName !== undefined && (!checked.clusterSync || checked.persistPath !== undefined)) {
    throw makeError(
      'ERR_INVALID_VALUE',
      'Invalid clusterName: it goes with enableClusterSync and without persistPath (processes with the same database share its name)',
    );
  }
  if (checked.autoPersistMs !== undefined && checked.persistPath === undefined) {
    throw makeError('ERR_INVALID_VALUE', 'Invalid autoPersist: it needs persistPath');
  }
  if (checked.fileMustExist && checked.persistPath === undefined) {
    throw makeError('ERR_INVALID_VALUE', 'Invalid fileMustExist: it needs persistPath');
  }
  if (checked.liveMustExist && !checked.clusterSync) {
    throw makeError('ERR_INVALID_VALUE', 'Invalid liveMustExist: it goes with enableClusterSync');
  }
  return checked;
}

function checkAutoPersist(value: unknown): number | undefined {
  if (typeof value === 'boolean') return value ? DEFAULT_DEBOUNCE_MS : undefined;
  const { debounceMs } = checkKeys(value, 'autoPersist', ['debounceMs']);
  return debounceMs === undefined
    ? DEFAULT_DEBOUNCE_MS
    : checkInteger(debounceMs, 'autoPersist.debounceMs', 0, MAX_DEBOUNCE_MS);
}

export function checkActor(actor: unknown): string {
  return checkText(actor, 'actor', MAX_ACTOR_LENGTH);
}

export function checkEnvironment(environment: unknown): string {
  return checkName(environment, 'environment');
}

function checkName(value: unknown, what: string): string {
  const name = checkString(value, what);
  if (!native.isValidEnvironment(name)) {
    throw makeError(
      'ERR_INVALID_VALUE',
      `Invalid ${what}: ${show(name)} (must be a letter, digit or '_', then up to 63 letters, digits, '_', '.' or '-')`,
    );
  }
  return name;
}

function defaultEnvironment(): string {
  const { NODE_ENV } = process.env;
  return NODE_ENV ? checkName(NODE_ENV, 'NODE_ENV') : 'development';
}

export function checkPath(value: unknown, what: string): string {
  const path = checkString(value, what);
  if (path === '' || path.includes('\0')) {
    throw makeError('ERR_INVALID_VALUE', `Invalid ${what}: ${show(path)} (must be the path of a file)`);
  }
  // What SQLite knows by these names; here they would be files that are called so.
  if (path === ':memory:') {
    throw makeError('ERR_INVALID_VALUE', `Invalid ${what}: ":memory:" (must be the path of a file; a config without persistPath lives in memory)`);
  }
  if (/^file:/i.test(path)) {
    throw makeError('ERR_INVALID_VALUE', `Invalid ${what}: ${show(path)} (must be the path of a file, not a URL; fileURLToPath() of node:url makes one of it)`);
  }
  return path;
}

function checkFeatures(value: unknown): readonly string[] {
  if (!Array.isArray(value)) {
    throw makeError('ERR_INVALID_TYPE', `Invalid features: ${show(value)} (must be an array of names)`);
  }
  if (value.length === 0) {
    throw makeError('ERR_INVALID_VALUE', 'Invalid features: an empty list (name one, or leave the option out)');
  }
  const names = Array.from(value, (name) => checkString(name, 'feature name'));
  native.checkFeatures(names);
  return names;
}

function checkOnStoreError(value: unknown): 'throw' | 'degrade' {
  const choice = checkString(value, 'onStoreError');
  if (choice !== 'throw' && choice !== 'degrade') {
    throw makeError('ERR_INVALID_VALUE', `Invalid onStoreError: ${show(choice)} (must be 'throw' or 'degrade')`);
  }
  return choice;
}

function checkFlag(value: unknown, what: string, otherwise: boolean): boolean {
  return value === undefined ? otherwise : checkBoolean(value, what);
}

function optional<T>(value: unknown, check: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : check(value);
}
