import type { ConfigState, TerminalSettings } from '13byte-config';
import { MODE_NAMES } from './document';
import type { Output } from './output';

/** A line for each difference of the features that `to` speaks of, in the order in which the history has them. */
export function differences(from: ConfigState, to: ConfigState): string[] {
  const [enabled, disabled, rollouts]: [string[], string[], string[]] = [[], [], []];
  // The order of `from`, so that what a file would change and what it has changed read the same.
  for (const name of new Set([...Object.keys(from.features), ...Object.keys(to.features)])) {
    const after = to.features[name];
    if (!after) continue;
    const before = from.features[name] ?? { enabled: false, rollout: 100 };
    if (before.enabled !== after.enabled)
      (after.enabled ? enabled : disabled).push(`${after.enabled ? '+' : '-'}${name}`);
    if (before.rollout !== after.rollout) rollouts.push(`${name} ${before.rollout}% → ${after.rollout}%`);
  }
  const terminal = [shown(from.terminal), shown(to.terminal)];
  return [
    ...enabled,
    ...disabled,
    ...rollouts,
    ...(terminal[0] === terminal[1] ? [] : [`terminal ${terminal.join(' → ')}`]),
  ];
}

/** A line for each change, coloured by what it does. */
export function paintChanges({ colors }: Output, changes: readonly string[]): string[] {
  return changes.map((line) => {
    if (line.startsWith('+')) return colors.green(line);
    return line.startsWith('-') ? colors.red(line) : colors.yellow(line);
  });
}

function shown({ mode, rows, cols }: TerminalSettings): string {
  return `${MODE_NAMES[mode] ?? mode} ${rows}x${cols}`;
}
