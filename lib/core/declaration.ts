/** What a program says of a feature beside its name. */
import { checkBoolean, checkKeys, checkText } from './checks';
import { makeError, show } from './errors';
import { checkPercent } from './rollout';
import type { NativeDeclaration } from '../native/binding';

const MAX_DESCRIPTION_LENGTH = 1000;

const MAX_OWNER_LENGTH = 255;

/** Checks each note by itself, given what it is called in messages; the core keeps dates in milliseconds since 1970. */
export const NOTES = {
  description: (text: unknown, what: string): string => checkText(text, what, MAX_DESCRIPTION_LENGTH),
  owner: (text: unknown, what: string): string => checkText(text, what, MAX_OWNER_LENGTH),
  expires: checkDate,
} as const;

export function checkDeclaration(name: string, value: unknown): NativeDeclaration {
  const what = `features.${name}`;
  const given = checkKeys(value, what, ['description', 'owner', 'expires', 'enabled', 'rollout']);
  const check = <T>(key: string, checkOne: (given: unknown, what: string) => T): { [key: string]: T } =>
    given[key] === undefined ? {} : { [key]: checkOne(given[key], `${what}.${key}`) };
  return {
    name,
    notes: {
      ...check('description', NOTES.description),
      ...check('owner', NOTES.owner),
      ...check('expires', NOTES.expires),
    },
    enabled: false,
    ...check('enabled', checkBoolean),
    ...check('rollout', checkPercent),
  };
}

/** In milliseconds since 1970. */
function checkDate(value: unknown, what: string): number {
  const isDate = value instanceof Date || typeof value === 'string';
  const date = isDate ? new Date(value) : undefined;
  const isValid =
    typeof value === 'string'
      ? // Of a day that a month does not have, engines make one of the next month.
        ISO_DATE.test(value) && new Date(`${value.slice(0, 10)}T00:00Z`).toJSON()?.startsWith(value.slice(0, 10))
      : true;
  if (date && isValid && !Number.isNaN(date.getTime())) return date.getTime();
  throw makeError(
    isDate ? 'ERR_INVALID_VALUE' : 'ERR_INVALID_TYPE',
    `Invalid ${what}: ${value instanceof Date ? 'an invalid Date' : show(value)} (must be a Date, or a date such as 2027-03-01)`,
  );
}

/** A date, or a date and a time with their zone: other texts mean something else on each machine, or nothing. */
const ISO_DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;
