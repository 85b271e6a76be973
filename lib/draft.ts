import { checkBoolean } from './checks';
import { packTerminal } from './terminal';

/** Collects the changes of one {@link ProductionConfig.update}. Of two that contradict each other the later counts. */
export interface UpdateDraft<Name extends string = string> {
  /** Turns features on. */
  enable(...names: Name[]): void;
  /** Turns features off. */
  disable(...names: Name[]): void;
  /** Turns a feature on or off. */
  set(name: Name, on: boolean): void;
  /** Sets mode (0–3), rows and columns (1–255). */
  terminal(mode: number, rows: number, cols: number): void;
}

/** What a draft has collected, ready to be applied to a state. */
export class DraftChanges<Name extends string> implements UpdateDraft<Name> {
  readonly #maskOf: (name: Name) => number;
  #on = 0;
  #off = 0;
  #terminal: number | undefined;

  /** `maskOf` gives the flag of a feature, or throws. */
  constructor(maskOf: (name: Name) => number) {
    this.#maskOf = maskOf;
  }

  enable(...names: Name[]): void {
    for (const name of names) this.set(name, true);
  }

  disable(...names: Name[]): void {
    for (const name of names) this.set(name, false);
  }

  set(name: Name, on: boolean): void {
    const mask = this.#maskOf(name);
    if (checkBoolean(on, 'feature value')) {
      this.#on |= mask;
      this.#off &= ~mask;
    } else {
      this.#off |= mask;
      this.#on &= ~mask;
    }
  }

  terminal(mode: number, rows: number, cols: number): void {
    this.#terminal = packTerminal(mode, rows, cols);
  }

  /** The state words after the changes. */
  apply(flags: number, terminal: number): [flags: number, terminal: number] {
    return [(flags | this.#on) & ~this.#off, this.#terminal ?? terminal];
  }
}
