import { checkBoolean, checkInteger, checkKeys, checkString, checkText } from './core/checks';
import { makeError, messageOf, show } from './core/errors';
import { checkDeclaration } from './core/declaration';
import { native, type NativeDeclaration } from './native/binding';
import type { ConfigOptions } from './types';

/** Options after all checks, with the defaults filled in. */
export interface CheckedOptions {
  readonly persistPath: string | undefined;
  readonly environment: string;
  readonly features: readonly string[] | undefined;
  /** What is said of them. */
  readonly declarations: readonly NativeDeclaration[];
  readonly clusterSync: boolean | 'if-live';
  readonly clusterName: string | undefined;
  readonly autoPersistMs: number | undefined;
  readonly follow: boolean;
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
  'follow',
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

/** Checks every option before anything is opened. An option set to `undefined` counts as omitted. */
export function checkOptions(options: unknown = {}): CheckedOptions {
  const given = checkKeys(options, 'options', OPTION_NAMES) as { [name in keyof ConfigOptions]: unknown };
  const checked = {
    persistPath: optional(given.persistPath, (value) => checkPath(value, 'persistPath')),
    environment: optional(given.environment, checkEnvironment) ?? defaultEnvironment(),
    ...(optional(given.features, checkFeatures) ?? { features: undefined, declarations: NO_DECLARATIONS }),
    clusterSync: optional(given.enableClusterSync, checkClusterSync) ?? false,
    clusterName: optional(given.clusterName, (value) => checkName(value, 'clusterName')),
    autoPersistMs: optional(given.autoPersist, checkAutoPersist),
    follow: checkFlag(given.follow, 'follow', false),
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
      'Invalid clusterName: it requires enableClusterSync, and cannot be combined with persistPath (processes with the same database share its name)',
    );
  }
  if (checked.autoPersistMs !== undefined && checked.persistPath === undefined) {
    throw makeError('ERR_INVALID_VALUE', 'Invalid autoPersist: it requires persistPath');
  }
  if (checked.follow && checked.persistPath === undefined) {
    throw makeError('ERR_INVALID_VALUE', 'Invalid follow: it requires persistPath');
  }
  if (checked.fileMustExist && checked.persistPath === undefined) {
    throw makeError('ERR_INVALID_VALUE', 'Invalid fileMustExist: it requires persistPath');
  }
  if (checked.liveMustExist && checked.clusterSync !== true) {
    throw makeError('ERR_INVALID_VALUE', 'Invalid liveMustExist: it requires enableClusterSync: true');
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

export function defaultEnvironment(): string {
  const { NODE_ENV } = process.env;
  return NODE_ENV ? checkName(NODE_ENV, 'NODE_ENV') : 'development';
}

export function checkPath(value: unknown, what: string): string {
  const path = checkString(value, what);
  if (path === '' || path.includes('\0')) {
    throw makeError('ERR_INVALID_VALUE', `Invalid ${what}: ${show(path)} (must be the path of a file)`);
  }
  // Special names to SQLite. Here they would be files of that name.
  if (path === ':memory:') {
    throw makeError(
      'ERR_INVALID_VALUE',
      `Invalid ${what}: ":memory:" (must be the path of a file; a config without persistPath lives in memory)`,
    );
  }
  if (/^file:/i.test(path)) {
    throw makeError(
      'ERR_INVALID_VALUE',
      `Invalid ${what}: ${show(path)} (must be the path of a file, not a URL; convert it with fileURLToPath() of node:url)`,
    );
  }
  return path;
}

const NO_DECLARATIONS: readonly NativeDeclaration[] = Object.freeze([]);

function checkFeatures(value: unknown): Pick<CheckedOptions, 'features' | 'declarations'> {
  const isList = Array.isArray(value);
  if (!isList && !isPlainObject(value)) {
    throw makeError(
      'ERR_INVALID_TYPE',
      `Invalid features: ${show(value)} (must be an array of names, or an object with a declaration for each)`,
    );
  }
  if (isList) {
    const features = Array.from(value as unknown[], (name) => checkString(name, 'feature name'));
    native.checkFeatures(features);
    return { features, declarations: NO_DECLARATIONS };
  }
  const entries = entriesOf(value);
  const features = entries.map(([name]) => name);
  native.checkFeatures(features);
  const declarations = entries.map(([name, declaration]) => checkDeclaration(name, declaration));
  return { features, declarations };
}

/** Of any realm, so that a `Set` or a `Map` of names does not count as an object without any. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  try {
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype === null || Object.getPrototypeOf(prototype) === null;
  } catch {
    // A proxy may throw anything.
    return false;
  }
}

function entriesOf(value: object): [string, unknown][] {
  try {
    return Object.entries(value);
  } catch (error) {
    // A proxy or an accessor may throw anything.
    throw makeError(
      'ERR_INVALID_VALUE',
      `Invalid features: ${show(value)} (cannot be read: ${messageOf(error)})`,
      error,
    );
  }
}

function checkOnStoreError(value: unknown): 'throw' | 'degrade' {
  const choice = checkString(value, 'onStoreError');
  if (choice !== 'throw' && choice !== 'degrade') {
    throw makeError('ERR_INVALID_VALUE', `Invalid onStoreError: ${show(choice)} (must be 'throw' or 'degrade')`);
  }
  return choice;
}

function checkClusterSync(value: unknown): boolean | 'if-live' {
  if (typeof value === 'boolean' || value === 'if-live') return value;
  const code = typeof value === 'string' ? 'ERR_INVALID_VALUE' : 'ERR_INVALID_TYPE';
  throw makeError(code, `Invalid enableClusterSync: ${show(value)} (must be true, false or 'if-live')`);
}

function checkFlag(value: unknown, what: string, otherwise: boolean): boolean {
  return value === undefined ? otherwise : checkBoolean(value, what);
}

function optional<T>(value: unknown, check: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : check(value);
}
