import { makeError, printable, show } from './errors';

/** Checks of arguments and options. Each returns the value or throws. */

export function checkString(value: unknown, what: string): string {
  if (typeof value !== 'string') {
    throw makeError('ERR_INVALID_TYPE', `Invalid ${what}: ${show(value)} (must be a string)`);
  }
  return value;
}

export function checkBoolean(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') {
    throw makeError('ERR_INVALID_TYPE', `Invalid ${what}: ${show(value)} (must be true or false)`);
  }
  return value;
}

/**
 * A whole number from `min` to `max`; `what` and the range make the message, such as `Invalid rows: 0 (must be 1-255)`.
 */
export function checkInteger(value: unknown, what: string, min: number, max: number): number {
  if (typeof value !== 'number') {
    throw makeError('ERR_INVALID_TYPE', `Invalid ${what}: ${show(value)} (must be ${range(min, max)})`);
  }
  if (!Number.isInteger(value) || value < min || value > max) {
    throw makeError('ERR_OUT_OF_RANGE', `Invalid ${what}: ${value} (must be ${range(min, max)})`);
  }
  return value;
}

/** Text for the history: not empty, not longer than `maxLength` UTF-16 units, and valid Unicode. */
export function checkText(value: unknown, what: string, maxLength: number): string {
  const text = checkString(value, what);
  if (text.trim() === '') {
    throw makeError('ERR_INVALID_VALUE', `Invalid ${what}: ${show(text)} (must not be empty)`);
  }
  if (text.length > maxLength) {
    throw makeError(
      'ERR_INVALID_VALUE',
      `Invalid ${what}: ${show(text)} has ${text.length} characters (must be at most ${maxLength})`,
    );
  }
  if (!text.isWellFormed() || text.includes('\0')) {
    throw makeError('ERR_INVALID_VALUE', `Invalid ${what}: ${show(text)} (must be valid Unicode without NUL)`);
  }
  return text;
}

/** The maximum length of a reason, in UTF-16 code units. */
export const MAX_REASON_LENGTH = 1000;

/** Why a revision is written. */
export function checkReason(value: unknown, what = 'reason'): string {
  return checkText(value, what, MAX_REASON_LENGTH);
}

/** An object whose keys are all in `known`. */
export function checkKeys(value: unknown, what: string, known: readonly string[]): Record<string, unknown> {
  const object = checkObject(value, what);
  for (const key of Object.keys(object)) {
    if (!known.includes(key)) {
      throw makeError('ERR_UNKNOWN_OPTION', `Unknown option: ${printable(key)}. Available: ${known.join(', ')}`);
    }
  }
  return object;
}

export function checkObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw makeError('ERR_INVALID_TYPE', `Invalid ${what}: ${show(value)} (must be an object)`);
  }
  return value as Record<string, unknown>;
}

/** Whether `await` treats a value as a promise, of any realm. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** An `AbortSignal` of any realm or library. */
export function checkSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  const { aborted, addEventListener, throwIfAborted } = Object(value) as Partial<AbortSignal>;
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof throwIfAborted === 'function') {
    return value as AbortSignal;
  }
  throw makeError('ERR_INVALID_TYPE', `Invalid signal: ${show(value)} (must be an AbortSignal)`);
}

function range(min: number, max: number): string {
  return min === max ? `${min}` : `${min}-${max}`;
}
