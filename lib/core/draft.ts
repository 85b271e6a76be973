import { checkBoolean } from './checks';
import { makeError } from './errors';
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
    this.#checkOpen();
    this.#terminal = packTerminal(mode, rows, cols);
  };

  /** Makes later calls throw, since their changes would be lost. */
  end(): void {
    this.#hasEnded = true;
  }

  /** The state words after the changes. */
  apply(flags: number, terminal: number): [flags: number, terminal: number] {
    return [(flags | this.#on) & ~this.#off, this.#terminal ?? terminal];
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

  #checkOpen(): void {
    if (!this.#hasEnded) return;
    throw makeError(
      'ERR_DRAFT_ENDED',
      'This draft belongs to an update() that has ended, so nothing was changed (call update() again, and use its draft before it returns)',
    );
  }
}
