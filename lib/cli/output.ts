import Table from 'cli-table3';
import { createColors } from 'picocolors';
import { escapeUnseen, printable } from '../core/errors';

type Colors = ReturnType<typeof createColors>;

/** Where results go: tables and colour on a terminal, plain lines when piped, JSON when asked for. */
export class Output {
  /** Whether a result was given that says that something is another thing now. */
  static hasChanged = false;

  readonly json: boolean;
  readonly isTerminal: boolean;
  readonly colors: Colors;

  constructor(json: boolean) {
    this.json = json;
    this.isTerminal = process.stdout.isTTY === true;
    this.colors = colorsOf(process.stdout);
  }

  /** The result of a command: the object with `--json`, else the text, which is only made then. */
  result(object: object, text: () => string): void {
    if ((object as { changed?: boolean }).changed === true) Output.hasChanged = true;
    this.line(this.json ? jsonText(object, 2) : text());
  }

  /** One line of many, such as an event: with `--json` the object on one line. */
  record(object: object, text: () => string): void {
    this.line(this.json ? jsonText(object) : text());
  }

  line(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** For people only, beside the result. */
  note(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** On a terminal a table with a head, else the rows alone, with tabs between the cells. */
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

  /** Names with their values: aligned on a terminal, else with a tab between. */
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
 * Text of somebody's, such as a reason, in one line and without what would make the terminal do something: whoever may persist
 * must not write to the screens of those who read the history.
 */
export function oneLine(text: string): string {
  return escapeUnseen(text.replace(/\s+/g, ' '));
}

/** A path, for a message or a line of output. */
export function pathText(path: string): string {
  return printable(path, LONGEST_PATH);
}

const LONGEST_PATH = 1000;

/** JSON that a terminal shows as it is: what is not seen is escaped, which changes nothing of its meaning. */
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

/** `FORCE_COLOR` counts before `NO_COLOR`, as in Node, and both before what the stream is. */
export function colorsOf(stream: NodeJS.WriteStream): Colors {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM } = process.env;
  if (force !== undefined) return createColors(force !== '0' && force !== 'false');
  return createColors(!no && stream.isTTY === true && TERM !== 'dumb');
}
