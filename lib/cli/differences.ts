import type { ConfigState } from '13byte-config';
import { describeChanges } from '../core/state';
import { packedTerminal } from '../core/terminal';
import type { Output } from './output';

/** A line for each difference of the features that `to` has, in the order in which the history has them. */
export function differences(from: ConfigState, to: ConfigState): string[] {
  const enabled: string[] = [];
  const disabled: string[] = [];
  const rollouts: { [name: string]: { from: number; to: number } } = {};
  // In the order of `from`, so that what a file would change and what it has changed read the same.
  for (const name of new Set([...Object.keys(from.features), ...Object.keys(to.features)])) {
    const after = to.features[name];
    if (!after) continue;
    const before = from.features[name] ?? { enabled: false, rollout: 100 };
    if (before.enabled !== after.enabled) (after.enabled ? enabled : disabled).push(name);
    if (before.rollout !== after.rollout) rollouts[name] = { from: before.rollout, to: after.rollout };
  }
  const isSameTerminal = packedTerminal(from.terminal) === packedTerminal(to.terminal);
  return describeChanges({
    enabled,
    disabled,
    rollouts,
    ...(!isSameTerminal && { terminal: { from: from.terminal, to: to.terminal } }),
  });
}

/** The lines, coloured by what they say. */
export function paintChanges({ colors }: Output, changes: readonly string[]): string[] {
  return changes.map((line) => {
    if (line.startsWith('+')) return colors.green(line);
    return line.startsWith('-') ? colors.red(line) : colors.yellow(line);
  });
}
