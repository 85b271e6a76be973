import Table from 'cli-table3';
import { createColors } from 'picocolors';
import { escapeUnseen, printable } from '../core/errors';

type Colors = ReturnType<typeof createColors>;

/** Prints results: tables and colours on a terminal, plain lines into a pipe, JSON with `--json`. */
export class Output {
  /** Whether a result was printed that says that something has changed. */
  static hasChanged = false;

  readonly json: boolean;
  readonly isTerminal: boolean;
  readonly colors: Colors;

  constructor(json: boolean) {
    this.json = json;
    this.isTerminal = process.stdout.isTTY === true;
    this.colors = colorsOf(process.stdout);
  }

  /** The result of a command: the object with `--json`, otherwise the text. */
  result(object: object, text: () => string): void {
    if ((object as { changed?: boolean }).changed === true) Output.hasChanged = true;
    this.line(this.json ? jsonText(object, 2) : text());
  }

  /** One line of many, such as an event; with `--json` the object on one line. */
  record(object: object, text: () => string): void {
    this.line(this.json ? jsonText(object) : text());
  }

  line(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** A note for people, on stderr. */
  note(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** A table with a head on a terminal, otherwise only the rows, with tabs between the cells. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): string {
    if (!this.isTerminal) return rows.map((row) => row.join('\t')).join('\n');
    const table = new Table({
      head: head.map((title) => this.colors.bold(title)),
      style: { head: [], border: [], compact: true },
      chars: HORIZONTAL_RULES,
    });
    table.push(...rows.map((row) => [...row]));
    return table.toString();
  }

  /** Names with their values: aligned on a terminal, otherwise separated by tabs. */
  pairs(pairs: readonly (readonly [name: string, value: string])[]): string {
    if (!this.isTerminal) return pairs.map((pair) => pair.join('\t')).join('\n');
    const width = Math.max(...pairs.map(([name]) => name.length));
    return pairs.map(([name, value]) => `${this.colors.dim(name.padEnd(width))}  ${value}`).join('\n');
  }

  onOrOff(enabled: boolean): string {
    return enabled ? this.colors.green('on') : this.colors.red('off');
  }
}

/**
 * Text from the database, such as a reason, on one line and without characters that control the terminal: a program that
 * may persist must not be able to control the terminal of a user who reads the history.
 */
export function oneLine(text: string): string {
  return escapeUnseen(text.replace(/\s+/g, ' '));
}

/** A path, for a message or a line of output. */
export function pathText(path: string): string {
  return printable(path, LONGEST_PATH);
}

const LONGEST_PATH = 1000;

/** JSON for a terminal: invisible characters are escaped, which does not change its meaning. */
export function jsonText(value: object, indent = 0): string {
  return JSON.stringify(value, null, indent).split('\n').map(escapeUnseen).join('\n');
}

/** A rule below the head and nothing else. */
const HORIZONTAL_RULES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' ',
};

/** `FORCE_COLOR` overrides `NO_COLOR`, as in Node, and both override the kind of stream. */
export function colorsOf(stream: NodeJS.WriteStream): Colors {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM } = process.env;
  if (force !== undefined) return createColors(force !== '0' && force !== 'false');
  return createColors(!no && stream.isTTY === true && TERM !== 'dumb');
}
