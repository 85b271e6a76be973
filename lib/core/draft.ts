import { checkBoolean, isThenable } from './checks';
import { makeError, show } from './errors';
import { packTerminal } from './terminal';
import type { UpdateDraft } from '../types';

/** The changes that a draft has collected. */
export class DraftChanges<in Name extends string> implements UpdateDraft<Name> {
  readonly #maskOf: (name: Name) => number;
  #on = 0;
  #off = 0;
  #terminal: number | undefined;
  #hasEnded = false;

  /** `maskOf` gives the flag of a feature, or throws. */
  constructor(maskOf: (name: Name) => number) {
    this.#maskOf = maskOf;
  }

  // Closures, so that they can be destructured: `update(({ enable }) => enable('debug'))`.

  readonly enable = (...names: Name[]): void => {
    for (const name of names) this.#set(name, true);
  };

  readonly disable = (...names: Name[]): void => {
    for (const name of names) this.#set(name, false);
  };

  readonly set = (name: Name, on: boolean): void => {
    this.#set(name, checkBoolean(on, 'feature value'));
  };

  readonly terminal = (mode: number, rows: number, cols: number): void => {
    this.checkOpen();
    this.#terminal = packTerminal(mode, rows, cols);
  };

  /** The features that go on and off, by their flags, and the packed terminal settings. */
  edits(): { readonly on: number; readonly off: number; readonly terminal: number | undefined } {
    return { on: this.#on >>> 0, off: this.#off >>> 0, terminal: this.#terminal };
  }

  /** Makes later calls throw, since their changes would be lost. */
  end(): void {
    this.#hasEnded = true;
  }

  /** The state words after the changes. */
  apply(flags: number, terminal: number): [flags: number, terminal: number] {
    return [(flags | this.#on) & ~this.#off, this.#terminal ?? terminal];
  }

  #set(name: Name, on: boolean): void {
    this.checkOpen();
    const mask = this.#maskOf(name);
    if (on) {
      this.#on |= mask;
      this.#off &= ~mask;
    } else {
      this.#off |= mask;
      this.#on &= ~mask;
    }
  }

  /** Throws once the draft has ended. */
  checkOpen(): void {
    if (!this.#hasEnded) return;
    throw makeError(
      'ERR_DRAFT_ENDED',
      'This draft belongs to an update() or commit() that has ended, so nothing was changed (call it again, and use its draft before it returns)',
    );
  }
}

/** Has a caller's function make its changes on a draft. `what` is the method that it was given to. */
export function collectChanges<Name extends string, Draft>(
  what: string,
  edit: unknown,
  changes: DraftChanges<Name>,
  draft: Draft,
): void {
  if (typeof edit !== 'function') {
    throw makeError('ERR_INVALID_TYPE', `Invalid ${what}: ${show(edit)} (must be a function)`);
  }
  let returned: unknown;
  try {
    returned = (edit as (draft: Draft) => unknown)(draft);
  } finally {
    changes.end();
  }
  if (isThenable(returned)) {
    // Its outcome is of no interest, but it must not end the process as an unhandled rejection.
    returned.then(undefined, () => {});
    throw makeError('ERR_INVALID_TYPE', `Invalid ${what}: an async function (must make its changes before it returns)`);
  }
}
