/**
 * The stable codes of all errors that this package throws or rejects with. Messages may improve; codes do not change.
 * `docs/errors.md` explains each code and what to do.
 */
export type ErrorCode =
  | 'ERR_BACKUP'
  | 'ERR_BASE_PRUNED'
  | 'ERR_BINDING'
  | 'ERR_BUFFER_LENGTH'
  | 'ERR_CLOSED'
  | 'ERR_DISK_FULL'
  | 'ERR_DRAFT_ENDED'
  | 'ERR_DUPLICATE_FEATURE'
  | 'ERR_FEATURE_ON'
  | 'ERR_FOREIGN_DATABASE'
  | 'ERR_HISTORY_BROKEN'
  | 'ERR_INVALID_FEATURE_NAME'
  | 'ERR_INVALID_STATE'
  | 'ERR_INVALID_THIS'
  | 'ERR_INVALID_TYPE'
  | 'ERR_INVALID_VALUE'
  | 'ERR_LIVE_FILE'
  | 'ERR_LIVE_FILE_BUSY'
  | 'ERR_LIVE_FILE_INVALID'
  | 'ERR_LIVE_FILE_MISMATCH'
  | 'ERR_LIVE_FILE_PERMISSION'
  | 'ERR_LIVE_FILE_REMOTE'
  | 'ERR_NEWER_SCHEMA'
  | 'ERR_NOTHING_TO_PROMOTE'
  | 'ERR_NOTHING_TO_ROLL_BACK'
  | 'ERR_NOT_A_DATABASE'
  | 'ERR_NOT_LIVE'
  | 'ERR_OUT_OF_RANGE'
  | 'ERR_OVERRIDE_CONFLICT'
  | 'ERR_OVERRIDE_ORDER'
  | 'ERR_PACKAGE_FILES'
  | 'ERR_PAGE_NOT_OPEN'
  | 'ERR_PERSISTENCE_DISABLED'
  | 'ERR_RANDOM'
  | 'ERR_READ_ONLY'
  | 'ERR_REVISION_CONFLICT'
  | 'ERR_REVISION_NOT_FOUND'
  | 'ERR_REVISION_PRUNED'
  | 'ERR_RUNTIME'
  | 'ERR_STALE_HANDLE'
  | 'ERR_STORE'
  | 'ERR_STORE_BUSY'
  | 'ERR_STORE_CORRUPT'
  | 'ERR_STORE_DEGRADED'
  | 'ERR_STORE_HARD_LINK'
  | 'ERR_STORE_IN_USE'
  | 'ERR_STORE_IO'
  | 'ERR_STORE_MOUNTED_ALONE'
  | 'ERR_STORE_NOT_FOUND'
  | 'ERR_STORE_OUTCOME_UNKNOWN'
  | 'ERR_STORE_PATH'
  | 'ERR_STORE_PERMISSION'
  | 'ERR_STORE_REPLACED'
  | 'ERR_STORE_STOPPED'
  | 'ERR_THREAD'
  | 'ERR_TOO_MANY_FEATURES'
  | 'ERR_UNKNOWN_FEATURE'
  | 'ERR_UNKNOWN_OPTION'
  | 'ERR_UNSUPPORTED';

/**
 * An error of this package, except for wrong types (`TypeError`) and values out of range (`RangeError`), which have a
 * `code` as well.
 *
 * @example
 * try {
 *   await config.persist('release 42', { ifRevision: 7 });
 * } catch (error) {
 *   if (error instanceof ConfigError && error.code === 'ERR_REVISION_CONFLICT') await reviewAgain();
 *   else throw error;
 * }
 */
export class ConfigError extends Error {
  /** The stable code of the error. */
  readonly code: ErrorCode;

  /** @param code - The stable code of the error. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConfigError';
    this.code = code;
  }
}

/** The code decides the class of an error; codes not listed here are `ConfigError`s. */
const BUILT_IN_CLASSES: { readonly [code in ErrorCode]?: typeof TypeError | typeof RangeError } = {
  ERR_INVALID_THIS: TypeError,
  ERR_INVALID_TYPE: TypeError,
  ERR_UNKNOWN_OPTION: TypeError,
  ERR_BUFFER_LENGTH: RangeError,
  ERR_INVALID_VALUE: RangeError,
  ERR_OUT_OF_RANGE: RangeError,
};

/** Creates the error of a code. */
export function makeError(code: ErrorCode, message: string, cause?: unknown): Error & { readonly code: ErrorCode } {
  const options = cause === undefined ? undefined : { cause };
  const BuiltIn = BUILT_IN_CLASSES[code];
  return BuiltIn ? Object.assign(new BuiltIn(message, options), { code }) : new ConfigError(code, message, options);
}

/**
 * The error of a method whose `this` is not the object it belongs to, such as a proxy or `undefined`.
 *
 * @param bound - The expression that binds the method.
 */
export function wrongThis(self: unknown, bound: string): Error {
  return makeError(
    'ERR_INVALID_THIS',
    `A method was called on ${show(self)} instead of the object it belongs to (call it on that object, not on a proxy or a copy; ` +
      `to pass it as a function, bind it: ${bound})`,
  );
}

/** The message of an error of any realm, or of another thrown value. */
export function messageOf(error: unknown): string {
  const { message } = Object(error) as { message?: unknown };
  return typeof message === 'string' ? message : show(error);
}

/** The UTF-16 code units of a value that a message shows: more than any valid name has. */
const LONGEST_SHOWN = 80;

/** A value for a message: strings quoted and cut, everything else in a word or two. Never throws. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return escapeUnseen(JSON.stringify(cut(value, LONGEST_SHOWN)));
    case 'object':
    case 'function':
      return value === null ? 'null' : showObject(value);
    case 'bigint':
      return printable(`${value}n`);
    default:
      return printable(String(value));
  }
}

function showObject(value: object): string {
  try {
    if (Array.isArray(value)) return 'an array';
    const name: unknown = value.constructor?.name;
    return `an instance of ${typeof name === 'string' && name !== '' ? printable(name) : 'Object'}`;
  } catch {
    // A proxy or an accessor may throw anything.
    return 'an object';
  }
}

/**
 * Text from outside, such as a name or a path, for a message: on one line, at most `longest` UTF-16 code units, with
 * invisible characters and terminal controls escaped. Ordinary names are unchanged.
 */
export function printable(text: string, longest = LONGEST_SHOWN): string {
  return escapeUnseen(cut(text, longest));
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

/** Escapes control and format characters, such as those that change the direction of text, and lone surrogates. */
export function escapeUnseen(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    let escaped = '';
    for (let index = 0; index < character.length; index += 1) {
      escaped += `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
    }
    return escaped;
  });
}
