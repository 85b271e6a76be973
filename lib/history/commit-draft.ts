import { checkKeys } from '../core/checks';
import { collectChanges, DraftChanges } from '../core/draft';
import { checkPercent } from '../core/rollout';
import type { CommitDraft } from '../types';

/** Changes of single features and of the terminal, for the store. */
export interface Edits {
  /** Features that go on, and of others that go off, by their flags. */
  readonly on: number;
  readonly off: number;
  /** The bit of a feature, and from bit 16 on its basis points. */
  readonly rollouts: number[];
  /** Packed. */
  readonly terminal: number | undefined;
}

/** Has a caller's function make its changes on the draft of a commit. `maskOf` gives the flag of a feature, or throws. */
export function collectEdits<Name extends string>(edit: unknown, maskOf: (name: Name) => number): Edits {
  const changes = new DraftChanges<Name>(maskOf);
  const rollouts = new Map<number, number>();
  const setRollout = (name: Name, percent: unknown): void => {
    const bit = 31 - Math.clz32(maskOf(name));
    rollouts.set(bit, checkPercent(percent));
  };
  const { disable, set, terminal } = changes;
  const draft: CommitDraft<Name> = {
    enable(...given: unknown[]): void {
      const [name, options] = given as [Name, unknown];
      if (given.length !== 2 || typeof options === 'string') return changes.enable(...(given as Name[]));
      const { rollout } = checkKeys(options, 'options', ['rollout']);
      if (rollout !== undefined) setRollout(name, rollout);
      changes.enable(name);
    },
    disable,
    set,
    rollout(name, percent): void {
      changes.checkOpen();
      setRollout(name, percent);
    },
    terminal,
  };
  collectChanges('commit', edit, changes, draft);
  const packed = Array.from(rollouts, ([bit, basisPoints]) => ((basisPoints << 16) | bit) >>> 0);
  return { ...changes.edits(), rollouts: packed };
}
