import { checkBoolean, checkKeys, isThenable } from './checks';
import { makeError, show } from './errors';
import { checkPercent } from './rollout';
import { packTerminal } from './terminal';
import type { ConfigDraft } from '../types';

/** Changes of single features and of the terminal, made together. */
export interface Edits {
  /** Features that go on, and of others that go off, by their flags. */
  readonly on: number;
  readonly off: number;
  /** The bit of a feature, and from bit 16 on its basis points. */
  readonly rollouts: number[];
  /** Packed. */
  readonly terminal: number | undefined;
}

/** Whether they set nothing. */
export function isEmpty({ on, off, rollouts, terminal }: Edits): boolean {
  return (on | off) === 0 && rollouts.length === 0 && terminal === undefined;
}

/** Calls `each` with the bit and the basis points of each rollout that they set. */
export function forEachRollout({ rollouts }: Edits, each: (bit: number, basisPoints: number) => void): void {
  for (const packed of rollouts) each(packed & 0xffff, packed >>> 16);
}

const NO_ROLLOUTS: number[] = [];

/** A draft, which collects what is done to it. */
class Draft<in Name extends string> implements ConfigDraft<Name> {
  readonly #maskOf: (name: Name) => number;
  #on = 0;
  #off = 0;
  #rollouts: Map<number, number> | undefined;
  #terminal: number | undefined;
  #hasEnded = false;

  constructor(maskOf: (name: Name) => number) {
    this.#maskOf = maskOf;
  }

  // Closures, so that they can be destructured: `update(({ enable }) => enable('debug'))`.

  readonly enable = (...given: unknown[]): void => {
    const options = given[1];
    if (given.length === 2 && typeof options === 'object' && options !== null) {
      this.#enableFor(given[0] as Name, options);
    } else {
      for (const name of given as Name[]) this.#set(name, true);
    }
  };

  readonly disable = (...names: Name[]): void => {
    for (const name of names) this.#set(name, false);
  };

  readonly set = (name: Name, on: boolean): void => {
    this.#set(name, checkBoolean(on, 'feature value'));
  };

  readonly rollout = (name: Name, percent: number): void => {
    this.#setRollout(name, percent);
  };

  readonly terminal = (mode: number, rows: number, cols: number): void => {
    this.#checkOpen();
    this.#terminal = packTerminal(mode, rows, cols);
  };

  edits(): Edits {
    const rollouts = this.#rollouts
      ? Array.from(this.#rollouts, ([bit, basisPoints]) => ((basisPoints << 16) | bit) >>> 0)
      : NO_ROLLOUTS;
    return { on: this.#on >>> 0, off: this.#off >>> 0, rollouts, terminal: this.#terminal };
  }

  /** Makes later calls throw, since their changes would be lost. */
  end(): void {
    this.#hasEnded = true;
  }

  #set(name: Name, on: boolean): void {
    this.#checkOpen();
    const mask = this.#maskOf(name);
    if (on) {
      this.#on |= mask;
      this.#off &= ~mask;
    } else {
      this.#off |= mask;
      this.#on &= ~mask;
    }
  }

  #enableFor(name: Name, options: object): void {
    const { rollout } = checkKeys(options, 'options', ['rollout']);
    if (rollout !== undefined) this.#setRollout(name, rollout);
    this.#set(name, true);
  }

  #setRollout(name: Name, percent: unknown): void {
    this.#checkOpen();
    const bit = 31 - Math.clz32(this.#maskOf(name));
    this.#rollouts ??= new Map();
    this.#rollouts.set(bit, checkPercent(percent));
  }

  #checkOpen(): void {
    if (!this.#hasEnded) return;
    throw makeError(
      'ERR_DRAFT_ENDED',
      'This draft belongs to an update() or commit() that has ended, so nothing was changed (call it again, and use its draft before it returns)',
    );
  }
}

/**
 * Has a caller's function make its changes on a draft. `what` is the method that it was given to, and `maskOf` gives the flag
 * of a feature, or throws.
 */
export function collectEdits<Name extends string>(what: string, edit: unknown, maskOf: (name: Name) => number): Edits {
  if (typeof edit !== 'function') {
    throw makeError('ERR_INVALID_TYPE', `Invalid ${what}: ${show(edit)} (must be a function)`);
  }
  const draft = new Draft<Name>(maskOf);
  let returned: unknown;
  try {
    returned = (edit as (draft: ConfigDraft<Name>) => unknown)(draft);
  } finally {
    draft.end();
  }
  if (isThenable(returned)) {
    // Its outcome is of no interest, but it must not end the process as an unhandled rejection.
    returned.then(undefined, () => {});
    throw makeError('ERR_INVALID_TYPE', `Invalid ${what}: an async function (must make its changes before it returns)`);
  }
  return draft.edits();
}
