/** The file of `export` and `import`: whole states as JSON, for review in git. */
import type { ConfigState } from '13byte-config';
import { MODE_NAMES } from '../core/terminal';
import { CliError } from './errors';

/** The format. This version knows no other number. */
export const FORMAT_NAME = '13byte-config';
export const FORMAT_VERSION = 1;

/** States by environment. */
export type States = ReadonlyMap<string, ConfigState>;

/** What was declared of features, by name. Dates are in ISO 8601. */
export type DocumentNotes = ReadonlyMap<string, { readonly [key in NoteKey]?: string }>;

export const NOTE_KEYS = ['description', 'owner', 'expires'] as const;

export type NoteKey = (typeof NOTE_KEYS)[number];

/**
 * The text of a document: names sorted, so that it does not depend on the order in which they were registered; a line for
 * each feature, and nothing that differs from one call to the next.
 */
export function writeDocument(states: States, notes: DocumentNotes): string {
  const noted = sorted(notes).map(
    ([name, own]) =>
      `    ${quote(name)}: { ${NOTE_KEYS.filter((key) => own[key] !== undefined)
        .map((key) => `${quote(key)}: ${quote(own[key]!)}`)
        .join(', ')} }`,
  );
  const environments = sorted(states).map(([environment, state]) => {
    const { mode, rows, cols } = checkTerminal(environment, state);
    const features = sorted(Object.entries(state.features)).map(
      ([name, feature]) => `        ${quote(name)}: { "enabled": ${feature!.enabled}, "rollout": ${feature!.rollout} }`,
    );
    return [
      `    ${quote(environment)}: {`,
      `      "terminal": { "mode": ${quote(mode)}, "rows": ${rows}, "cols": ${cols} },`,
      '      "features": {',
      features.join(',\n'),
      '      }',
      '    }',
    ].join('\n');
  });
  return [
    '{',
    `  "format": ${quote(`${FORMAT_NAME}/${FORMAT_VERSION}`)},`,
    ...(noted.length > 0 ? ['  "features": {', noted.join(',\n'), '  },'] : []),
    '  "environments": {',
    environments.join(',\n'),
    '  }',
    '}',
    '',
  ].join('\n');
}

/** Fails for what could not be imported: bytes from elsewhere may hold terminal settings that are out of range. */
function checkTerminal(environment: string, { terminal: { mode, rows, cols } }: ConfigState) {
  const name = MODE_NAMES[mode];
  if (name !== undefined && rows > 0 && cols > 0) return { mode: name, rows, cols };
  throw new CliError(
    'ERR_INVALID_STATE',
    `The terminal settings of ${environment} are out of range: mode ${mode}, ${rows}x${cols} (set them, and export again)`,
  );
}

/** By code units, which does not depend on the locale. */
function sorted<T>(entries: Iterable<readonly [string, T]>): (readonly [string, T])[] {
  return [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function quote(text: string): string {
  return JSON.stringify(text);
}
