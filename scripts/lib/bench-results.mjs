// @ts-check
// What was measured, in `bench/results.json`, and what is written from it: the tables of `bench/RESULTS.md` and the
// performance section of the README.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { goals, judge } from '../../bench/goals.mjs';
import { median, show } from '../../bench/lib/figures.mjs';
import { toMarkdown } from '../../bench/lib/report.mjs';
import { inRoot, root } from './paths.mjs';

/**
 * @typedef {import('../../bench/lib/report.mjs').Table} Table
 *
 * @typedef {object} Measured on one runtime
 * @property {string} title
 * @property {boolean} isBun
 * @property {Table[]} tables
 *
 * @typedef {object} Section one benchmark on all runtimes
 * @property {string[]} facts machine, commit and so on
 * @property {string} commit
 * @property {string} machine
 * @property {Measured[]} runtimes
 *
 * @typedef {Partial<Record<string, Section>>} Results by benchmark
 */

/** The benchmark that no JavaScript runs. */
export const CORE = 'core';

/** The sections of RESULTS.md by benchmark. */
export const titles = /** @type {Record<string, string>} */ ({
  read: 'Reading',
  write: 'Changing in memory',
  persist: 'Making durable',
  sync: 'From one thread or process to another',
  start: 'Starting',
  scale: 'A million revisions, ten thousand configs',
  [CORE]: 'The native core',
});

/**
 * What the README quotes beside the goals.
 *
 * @type {{ benchmark: string, table: string, row: string, as?: string }[]}
 */
const quoted = [
  { benchmark: 'read', table: 'constant name', row: "`config.isFeatureEnabled('debug')`" },
  { benchmark: 'read', table: 'in turn', row: '`config.isFeatureEnabled(names[i & 7])`', as: '`config.isFeatureEnabled(name)`, eight names in turn' },
  { benchmark: 'read', table: 'for this user', row: '`config.isFeatureEnabledFor(name, key)`' },
  { benchmark: 'read', table: 'Debug view', row: '`config.getDebugView()` after a flip' },
  { benchmark: 'write', table: 'Flip', row: '`enableFeature`, `disableFeature`' },
  { benchmark: 'write', table: 'as one change', row: '`update` with two changes' },
  { benchmark: 'persist', table: 'Persist', row: '`await config.persist(reason)`' },
  { benchmark: 'persist', table: 'Persist', row: 'each of 64 `config.persist(reason)` at once' },
  { benchmark: 'sync', table: 'Spinning', row: 'the same, two processes', as: 'a flip until another process sees it, both looking all the time' },
  { benchmark: 'sync', table: 'process is told, after', row: "flip to `'change'` listener", as: "a flip until another process's listener is called, both asleep before" },
];

/**
 * @param {Table[]} tables of one benchmark
 * @param {{ table: string, row: string }} quote
 */
function find(tables, { table: part, row }) {
  const rows = tables.find(({ title }) => title.includes(part))?.rows;
  const values = rows?.find(({ name }) => name === row)?.values;
  return rows?.[0] && values ? { middle: median(values), ratio: median(values) / median(rows[0].values) } : undefined;
}

/**
 * @param {string} benchmark
 * @param {Table[]} tables
 * @returns {string[]} what the README would quote and they do not have
 */
export function quotesMissing(benchmark, tables) {
  return quoted.filter((quote) => quote.benchmark === benchmark && !find(tables, quote)).map(({ row }) => row);
}

const resultsFile = inRoot('bench', 'results.json');
const tablesFile = inRoot('bench', 'RESULTS.md');
const readmeFile = inRoot('README.md');

const SECTION_MARK = '<!-- Written by `npm run bench -- --write`, up to the next section. -->';
const README_MARKS = /** @type {const} */ (['<!-- Written by `npm run bench -- --write` from bench/results.json. -->', '<!-- End of what is written. -->']);

/** @returns {Results} */
export function readResults() {
  return existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : {};
}

/**
 * Keeps a section with its chart, in place of the one measured before.
 *
 * @param {string} benchmark
 * @param {Section} section
 * @param {string} chart
 */
export function keepResults(benchmark, section, chart) {
  writeFileSync(resultsFile, `${JSON.stringify({ ...readResults(), [benchmark]: section }, rounded, 1)}\n`);
  mkdirSync(inRoot('bench', 'charts'), { recursive: true });
  writeFileSync(inRoot('bench', 'charts', `${benchmark}.svg`), chart);
  for (const [file, text] of rendered(readResults())) writeFileSync(file, text);
}

/** Four digits are more than repeat. */
const rounded = (/** @type {string} */ _key, /** @type {unknown} */ value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value);

/** @returns {Promise<string | undefined>} what is not as it would be written now */
export async function resultsProblem() {
  const stale = rendered(readResults()).find(([file, text]) => readFileSync(file, 'utf8') !== text);
  return stale && `${relative(root, stale[0])} is not what bench/results.json says: run \`npm run bench -- --write\`, or undo the edit`;
}

/**
 * @param {Results} results
 * @returns {[file: string, text: string][]}
 */
function rendered(results) {
  let tables = readFileSync(tablesFile, 'utf8');
  for (const [benchmark, section] of Object.entries(results)) {
    if (section) tables = withSection(tables, titles[benchmark] ?? benchmark, sectionText(benchmark, section));
  }
  return [[tablesFile, tables], [readmeFile, withReadmeBlock(readFileSync(readmeFile, 'utf8'), results)]];
}

/**
 * @param {string} text
 * @param {string} title
 * @param {string} content
 */
function withSection(text, title, content) {
  const start = text.indexOf(SECTION_MARK, text.indexOf(`\n## ${title}\n`));
  if (!text.includes(`\n## ${title}\n`) || start === -1) {
    throw new Error(`${tablesFile} lacks the section ${title}, or its line ${SECTION_MARK}`);
  }
  const next = text.indexOf('\n## ', start);
  return `${text.slice(0, start)}${SECTION_MARK}\n\n${content}\n${next === -1 ? '' : text.slice(next)}`;
}

/**
 * @param {string} benchmark
 * @param {Section} section
 */
export function sectionText(benchmark, { facts, runtimes }) {
  return [
    facts.map((fact) => `- ${fact}`).join('\n'),
    `![${titles[benchmark]}: medians, and the spread from fastest to slowest](charts/${benchmark}.svg)`,
    ...runtimes.map(({ title, isBun, tables }) => [`### ${title}`, ...tables.map((measured) => toMarkdown(measured, isBun))].join('\n\n')),
  ].join('\n\n');
}

/**
 * @param {string} text
 * @param {Results} results
 */
function withReadmeBlock(text, results) {
  const [begin, end] = README_MARKS;
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)];
  if (start === -1 || stop < start) throw new Error(`${readmeFile} lacks the lines ${begin} and ${end}`);
  const sections = Object.entries(results).flatMap(([benchmark, section]) => (section && benchmark !== CORE ? [section] : []));
  if (sections.length === 0) return text;
  return `${text.slice(0, start)}${begin}\n\n${readmeBlock(results, sections)}\n\n${text.slice(stop)}`;
}

/**
 * @param {Results} results
 * @param {Section[]} sections
 */
function readmeBlock(results, sections) {
  const runtimes = /** @type {Section} */ (sections[0]).runtimes.map(({ title, isBun }) => ({ title, isBun }));
  const rows = Object.keys(goals).map((id) => goalRow(/** @type {keyof typeof goals} */ (id), runtimes, sections)).filter((row) => row !== undefined);
  const missed = rows.flatMap(({ what, cells }) => {
    const figures = cells.flatMap((cell, index) => (cell?.isMet === false ? [`${cell.figure} on ${runtimes[index]?.title}`] : []));
    return figures.length > 0 ? [`- ${what}: ${figures.join(', ')}`] : [];
  });
  const measuredOn = [...new Set(sections.map(({ commit, machine }) => `commit \`${commit}\` on ${machine}`))].join('; ');
  return [
    `Measured by \`npm run bench\`: ${measuredOn}. **The ratios mean something, the times belong to the machine.** **\\*** marks a goal that is not met.`,
    table(
      ['goal', 'limit', ...runtimes.map(({ title }) => title)],
      rows.map(({ what, limits, cells }) => [what, limitText(limits)].concat(
        cells.map((cell) => (cell ? `${cell.figure}${cell.isMet ? '' : ' **\\***'}` : '')),
      )),
    ),
    ...(missed.length > 0 ? [`Not met:\n\n${missed.join('\n')}`] : ['All goals are met.']),
    ...times(results, runtimes),
    ...comparison(results),
  ].join('\n\n');
}

/**
 * @param {keyof typeof goals} id
 * @param {{ title: string, isBun: boolean }[]} runtimes
 * @param {Section[]} sections
 */
function goalRow(id, runtimes, sections) {
  const cells = runtimes.map(({ title, isBun }) => {
    const judged = sections
      .flatMap((section) => section.runtimes.find((runtime) => runtime.title === title)?.tables ?? [])
      .flatMap((measured) => measured.goals.filter(({ goal }) => goal === id))
      .map(({ figure, unjudged }) => judge(id, figure, isBun, unjudged));
    // Where several tables are about one goal, the worst one counts.
    return judged.find(({ isMet }) => !isMet) ?? judged[0];
  });
  if (cells.every((cell) => cell === undefined)) return undefined;
  const limits = runtimes.map(({ isBun }) => judge(id, 0, isBun).limit);
  return { what: goals[id].what, limits, cells };
}

/**
 * @param {Results} results
 * @param {{ title: string }[]} runtimes
 */
function times(results, runtimes) {
  const rows = quoted.filter(({ benchmark }) => results[benchmark]).map((quote) => [quote.as ?? quote.row].concat(runtimes.map(({ title }) => {
    const tables = results[quote.benchmark]?.runtimes.find((runtime) => runtime.title === title)?.tables ?? [];
    const found = find(tables, quote);
    return found ? `${show(found.middle, 'ns')} (${found.ratio.toFixed(found.ratio < 10 ? 1 : 0)})` : '';
  })));
  return [
    'Median times, and in brackets the ratio to the baseline of their table, the same job by hand or a message:',
    table(['', ...runtimes.map(({ title }) => title)], rows),
  ];
}

/**
 * Reading by varying names, beside what a user would pick instead.
 *
 * @param {Results} results
 */
function comparison({ read }) {
  if (!read) return [];
  const tables = read.runtimes.map(({ tables: measured }) => measured.find(({ title }) => title.includes('in turn')));
  const names = tables[0]?.rows.map(({ name }) => name) ?? [];
  const cells = names.map((name) => [name.replace(OWN_SQLITE, "the runtime's own SQLite")].concat(tables.map((measured) => {
    const values = measured?.rows.find((row) => row.name === name || isSameLibrary(row.name, name))?.values;
    return values ? show(median(values), 'ns') : '';
  })));
  return [
    'Is a flag on? Eight names in turn, median time of one call:',
    table(['', ...read.runtimes.map(({ title }) => title)], cells),
    '![Reading flags, by every contestant](bench/charts/read.svg)',
  ];
}

/** The runtime's own SQLite has another name on each. */
const OWN_SQLITE = /^(bun|node):sqlite/;
const isSameLibrary = (/** @type {string} */ one, /** @type {string} */ other) =>
  OWN_SQLITE.test(one) && one.replace(OWN_SQLITE, '') === other.replace(OWN_SQLITE, '');

/** @param {string[]} limits on each runtime, Bun first */
function limitText(limits) {
  const [onBun = '', onNode = onBun] = limits;
  return onBun === onNode ? onBun : `${onBun} on Bun, ${onNode} on Node`;
}

/** @param {string[]} cells */
const line = (cells) => `| ${cells.join(' | ')} |`;

/**
 * @param {string[]} head
 * @param {string[][]} rows
 */
function table(head, rows) {
  const firstNumber = head.findIndex((title) => /^(Bun|Node) /.test(title));
  return [line(head), `|${head.map((_title, index) => (index < firstNumber ? '---' : '--:')).join('|')}|`, ...rows.map(line)].join('\n');
}
