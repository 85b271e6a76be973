/** The file of `export` and `import`: whole states by name, for review in git. */
import type { ConfigState, TerminalModeName } from '13byte-config';
import { CliError } from './errors';

/** The format. Another number stands for what this version does not know. */
export const FORMAT_NAME = '13byte-config';
export const FORMAT_VERSION = 1;

/** In the order of their numbers. */
export const MODE_NAMES = ['disabled', 'cooked', 'raw', 'pipe'] as const satisfies readonly TerminalModeName[];

/** States by environment. */
export type States = ReadonlyMap<string, ConfigState>;

/**
 * The text of a document: names sorted, so that it does not depend on who registered them when; a line for each feature,
 * and nothing that is another thing each time.
 */
export function writeDocument(states: States): string {
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
    '  "environments": {',
    environments.join(',\n'),
    '  }',
    '}',
    '',
  ].join('\n');
}

/** What could not be imported is not exported: a state from elsewhere may have a terminal that is out of range. */
function checkTerminal(environment: string, { terminal: { mode, rows, cols } }: ConfigState) {
  const name = MODE_NAMES[mode];
  if (name !== undefined && rows > 0 && cols > 0) return { mode: name, rows, cols };
  throw new CliError(
    'ERR_INVALID_STATE',
    `The terminal settings of ${environment} are out of range: mode ${mode}, ${rows}x${cols} (set them, then export again)`,
  );
}

/** By code units, which is the same everywhere. */
function sorted<T>(entries: Iterable<readonly [string, T]>): (readonly [string, T])[] {
  return [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function quote(text: string): string {
  return JSON.stringify(text);
}
