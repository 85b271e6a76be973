// Everything the demo prints goes through here: colours where they are wanted, aligned tables, and ticks for what was
// checked.
import { inspect, styleText } from 'node:util';

/** @typedef {Parameters<typeof styleText>[0]} Style */

const width = Math.max(64, Math.min(process.stdout.columns ?? 92, 92));
const indent = '   ';
const gap = '   ';

export const hasColour = wantsColour();

/** What the checks came to. */
export const checks = { passed: 0, failed: 0 };

function wantsColour() {
  const { FORCE_COLOR: force, NO_COLOR: never, TERM: terminal } = process.env;
  if (force !== undefined) return force !== '0' && force !== 'false';
  return !never && terminal !== 'dumb' && Boolean(process.stdout.isTTY);
}

/**
 * @param {Style} style
 * @param {string} text
 */
export function paint(style, text) {
  return hasColour ? styleText(style, text, { validateStream: false }) : text;
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line.trimEnd()}\n`);
}

/**
 * @param {string} name
 * @param {string} promise
 */
export function banner(name, promise) {
  blank();
  print(`${indent}${paint('bold', name)}`);
  print(`${indent}${paint('dim', promise)}`);
}

/**
 * @param {number} number
 * @param {string} title
 */
export function heading(number, title) {
  const label = ` ${number}  ${title} `;
  blank();
  print(`${paint(['bold', 'cyan'], label)}${paint('dim', '─'.repeat(Math.max(0, width - label.length)))}`);
  blank();
}

/**
 * A paragraph, with code between backticks.
 *
 * @param {string} paragraph
 */
export function say(paragraph) {
  for (const line of wrap(paragraph, width - indent.length)) {
    print(indent + line.replaceAll(/`([^`]+)`/g, (_, code) => paint('yellow', code)));
  }
  blank();
}

/**
 * Lines as they are, such as a program's output.
 *
 * @param {string} text
 */
export function show(text) {
  for (const line of text.trimEnd().split('\n')) print(`${indent}${paint('dim', '│')} ${line}`);
  blank();
}

/**
 * A note in the margin, such as a path.
 *
 * @param {string} text
 */
export function note(text) {
  print(indent + paint('dim', text));
  blank();
}

export function blank() {
  print('');
}

/**
 * A call, and the error it is answered with.
 *
 * @param {string} call
 * @param {(Error & { code?: string }) | undefined} error
 */
export function showError(call, error) {
  print(indent + paint('yellow', call));
  print(`${indent}${paint('red', error?.name ?? 'No error')}  ${paint('dim', error?.code ?? '')}`);
  for (const line of wrap(error?.message ?? '', width - indent.length)) print(indent + line);
  blank();
}

/**
 * A value as `console.log` prints it.
 *
 * @param {unknown} value
 * @param {import('node:util').InspectOptions} [options]
 */
export function showValue(value, options) {
  show(inspect(value, { colors: hasColour, ...options }));
}

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {'left' | 'right'} [align]
 * @property {Style} [style]
 *
 * @param {readonly Column[]} columns the last one wraps
 * @param {readonly (readonly string[])[]} rows
 */
export function table(columns, rows) {
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const last = columns.length - 1;
  const before = widths.slice(0, last).reduce((sum, each) => sum + each + gap.length, indent.length);
  widths[last] = Math.min(widths[last] ?? 0, Math.max(16, width - before));

  /**
   * @param {readonly string[]} row
   * @param {Style} [style] of every cell; its column's own by default
   */
  const printRow = (row, style) => {
    const [first = '', ...rest] = wrap(row[last] ?? '', widths[last] ?? 0);
    const cells = columns.map((column, index) => {
      const text = index === last ? first : (row[index] ?? '');
      const padding = ' '.repeat(Math.max(0, (widths[index] ?? 0) - text.length));
      const padded = column.align === 'right' ? padding + text : index === last ? text : text + padding;
      return paintCell(padded, style ?? column.style);
    });
    print(indent + cells.join(gap));
    for (const line of rest) print(' '.repeat(before) + paintCell(line, style ?? columns[last]?.style));
  };

  printRow(
    columns.map(({ title }) => title),
    'dim',
  );
  for (const row of rows) printRow(row);
  blank();
}

/**
 * @param {string} text
 * @param {Style} [style]
 */
function paintCell(text, style) {
  return style ? paint(style, text) : text;
}

/**
 * Says something that has to be true, and remembers whether it is.
 *
 * @param {boolean} holds
 * @param {string} claim
 */
export function check(holds, claim) {
  checks[holds ? 'passed' : 'failed'] += 1;
  const mark = holds ? paint('green', '✓') : paint(['bold', 'red'], '✗');
  const [first, ...rest] = wrap(holds ? claim : `NOT SO: ${claim}`, width - indent.length - 2);
  print(`${indent}${mark} ${first}`);
  for (const line of rest) print(`${indent}  ${line}`);
}

/** @param {unknown} error */
export function failure(error) {
  checks.failed += 1;
  blank();
  print(`${indent}${paint(['bold', 'red'], '✗ The demo itself failed')}`);
  show(inspect(error, { colors: hasColour }));
}

/**
 * @param {number} seconds
 * @param {string} directory
 * @param {boolean} kept
 */
export function footer(seconds, directory, kept) {
  const { passed, failed } = checks;
  const all = passed + failed;
  const verdict =
    failed === 0
      ? paint(['bold', 'green'], `All ${all} checks hold`)
      : paint(['bold', 'red'], `${failed} of ${all} checks failed`);
  blank();
  print(paint('dim', '─'.repeat(width)));
  print(`${indent}${verdict}, in ${seconds.toFixed(1)} s.`);
  print(
    `${indent}${paint('dim', kept ? `The databases are in ${directory}` : 'The databases are removed again; npm run demo -- --keep leaves them.')}`,
  );
  blank();
}

/**
 * @param {string} text
 * @param {number} limit
 */
function wrap(text, limit) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= limit) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/**
 * A duration in the unit that reads best.
 *
 * @param {number} ns
 */
export function duration(ns) {
  if (ns < 1000) return `${ns < 10 ? ns.toFixed(1) : Math.round(ns)} ns`;
  if (ns < 1_000_000) return `${threeDigits(ns / 1000)} µs`;
  return `${threeDigits(ns / 1_000_000)} ms`;
}

/** @param {number} value */
function threeDigits(value) {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** @param {readonly string[]} names */
export const list = (names) => (names.length === 0 ? '(none)' : names.join(', '));
