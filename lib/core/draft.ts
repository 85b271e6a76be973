import { checkBoolean, checkKeys, isThenable } from './checks';
import { makeError, show } from './errors';
import { checkPercent } from './rollout';
import { packTerminal } from './terminal';
import type { ConfigDraft } from '../types';

/** Changes of single features and of the terminal, made together. */
export interface Edits {
  /** Features that go on, and others that go off: an unsigned word for each bank. */
  readonly on: number[];
  readonly off: number[];
  /** The bit of a feature, and from bit 16 on its basis points. */
  readonly rollouts: number[];
  /** Packed. */
  readonly terminal: number | undefined;
}

/** Whether they set nothing. */
export function isEmpty({ on, off, rollouts, terminal }: Edits): boolean {
  return on.every(isZero) && off.every(isZero) && rollouts.length === 0 && terminal === undefined;
}

function isZero(word: number): boolean {
  return word === 0;
}

/**
 * The bank whose word all of them are in, which is the first for the terminal; `undefined` if they are in several words.
 * Edits of nothing are in the first.
 */
export function soleBank({ on, off, rollouts, terminal }: Edits): number | undefined {
  if (rollouts.length > 0) return undefined;
  let sole = terminal === undefined ? undefined : 0;
  for (let bank = 0; bank < on.length; bank += 1) {
    if ((on[bank]! | off[bank]!) === 0) continue;
    if (sole !== undefined && sole !== bank) return undefined;
    sole = bank;
  }
  return sole ?? 0;
}

/** Calls `each` with the bit and the basis points of each rollout that they set. */
export function forEachRollout({ rollouts }: Edits, each: (bit: number, basisPoints: number) => void): void {
  for (const packed of rollouts) each(packed & 0xffff, packed >>> 16);
}

const NO_ROLLOUTS: number[] = [];

/** A draft, which collects what is done to it. */
class Draft<in Name extends string> implements ConfigDraft<Name> {
  readonly #bitOf: (name: Name) => number;
  /** As many words as there are banks with features that were set. */
  readonly #on = [0];
  readonly #off = [0];
  #rollouts: Map<number, number> | undefined;
  #terminal: number | undefined;
  #hasEnded = false;

  constructor(bitOf: (name: Name) => number) {
    this.#bitOf = bitOf;
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
    return { on: this.#on, off: this.#off, rollouts, terminal: this.#terminal };
  }

  /** Makes later calls throw, since their changes would be lost. */
  end(): void {
    this.#hasEnded = true;
  }

  #set(name: Name, on: boolean): void {
    this.#checkOpen();
    const bit = this.#bitOf(name);
    const bank = bit >>> 5;
    const mask = 1 << bit;
    while (this.#on.length <= bank) {
      this.#on.push(0);
      this.#off.push(0);
    }
    const set = on ? this.#on : this.#off;
    const cleared = on ? this.#off : this.#on;
    set[bank] = (set[bank]! | mask) >>> 0;
    cleared[bank] = (cleared[bank]! & ~mask) >>> 0;
  }

  #enableFor(name: Name, options: object): void {
    const { rollout } = checkKeys(options, 'options', ['rollout']);
    if (rollout !== undefined) this.#setRollout(name, rollout);
    this.#set(name, true);
  }

  #setRollout(name: Name, percent: unknown): void {
    this.#checkOpen();
    const bit = this.#bitOf(name);
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
 * Has a caller's function make its changes on a draft. `what` is the method that it was given to, and `bitOf` gives the bit of a
 * feature, or throws.
 */
export function collectEdits<Name extends string>(what: string, edit: unknown, bitOf: (name: Name) => number): Edits {
  if (typeof edit !== 'function') {
    throw makeError('ERR_INVALID_TYPE', `Invalid ${what}: ${show(edit)} (must be a function)`);
  }
  const draft = new Draft<Name>(bitOf);
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
