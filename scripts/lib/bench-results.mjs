// @ts-check
// The medians that are kept, in `bench/results.json`, and what is generated from them: the tables of `bench/RESULTS.md`, the
// figures of the README and the chart.
import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { goals, judge } from '../../bench/goals.mjs';
import { median, show } from '../../bench/lib/figures.mjs';
import { readChart } from './bench-chart.mjs';
import { inRoot, root } from './paths.mjs';

/**
 * @typedef {import('../../bench/lib/report.mjs').Table} Table
 * @typedef {import('../../bench/goals.mjs').GoalId} GoalId
 *
 * @typedef {(number | null | undefined)[]} Figures one for each runtime
 *
 * @typedef {object} Medians of a table
 * @property {string} title
 * @property {import('../../bench/lib/figures.mjs').Unit} unit
 * @property {'ratio' | 'over' | 'nothing'} [compared]
 * @property {string[]} [notes]
 * @property {Partial<Record<GoalId, Figures>>} [goals] the figures that they are about
 * @property {Partial<Record<GoalId, (string | null | undefined)[]>>} [unjudged] why the figure is only printed
 * @property {Record<string, Figures>} rows the baseline first
 *
 * @typedef {{ date: string, commit: string, machine: string }} Run
 * @typedef {Run & { runtimes: string[], tables: Medians[] }} Kept one benchmark
 * @typedef {Partial<Record<string, Kept>>} Results by benchmark
 */

/** The columns of what is about several benchmarks, in the order of `benchRuntimes`. */
const COLUMNS = ['Bun', 'Node 24', 'Node 26'];

/**
 * What the README quotes: a row, or the figure of a goal; in brackets the fastest of others, by how many times it is slower.
 *
 * @type {{ what: string, benchmark: string, table: string, row?: string, goal?: GoalId, slower?: GoalId }[]}
 */
const quoted = [
  {
    what: 'Read a flag by name (in the fastest other flag library)',
    benchmark: 'read',
    table: 'Is it on? Eight features in turn',
    row: '`config.isFeatureEnabled(names[i & 7])`',
    slower: 'readFlagLibraries',
  },
  {
    what: 'Change a flag',
    benchmark: 'write',
    table: 'Flip, on and off in turn',
    row: '`enableFeature`, `disableFeature`',
  },
  {
    what: 'See a change in another process',
    benchmark: 'sync',
    table: 'Spinning, one way',
    row: 'the same, two processes',
  },
  {
    what: 'Save the state to disk, `await config.persist()`',
    benchmark: 'persist',
    table: 'Persist',
    row: '`await config.persist(reason)`',
  },
  {
    what: 'Load the package and create a config',
    benchmark: 'start',
    table: 'Start, answer, end',
    goal: 'startPrivate',
  },
];

const resultsFile = inRoot('bench', 'results.json');
const tablesFile = inRoot('bench', 'RESULTS.md');
const readmeFile = inRoot('README.md');
const chartFile = inRoot('bench', 'charts', 'read.svg');

/**
 * Keeps the medians of a benchmark, in place of those that were kept before.
 *
 * @param {string} benchmark
 * @param {Run} run
 * @param {{ title: string, tables: Table[] }[]} measured on each runtime
 */
export function keepResults(benchmark, run, measured) {
  const titles = new Set(measured.flatMap(({ tables }) => tables.map(({ title }) => title)));
  const tables = Array.from(titles, (title) =>
    mediansOf(measured.map((runtime) => runtime.tables.find((table) => table.title === title))),
  );
  const kept = { ...run, runtimes: measured.map(({ title }) => title), tables };
  const results = { ...readResults(), [benchmark]: kept };
  writeFileSync(resultsFile, format(results));
  generateFromResults();
}

/** Writes what is generated from the results. */
export function generateFromResults() {
  for (const [file, text] of generated(readResults())) writeFileSync(file, text);
}

/**
 * @param {(Table | undefined)[]} tables the same on each runtime
 * @returns {Medians}
 */
function mediansOf(tables) {
  const all = tables.filter((table) => table !== undefined);
  const { title, unit, compared } = /** @type {Table} */ (all[0]);
  const names = new Set(all.flatMap(({ rows }) => rows.map(({ name }) => name)));
  const judged = all.flatMap((table) => table.goals);
  const unjudged = judged.filter((found) => found.unjudged !== undefined);
  const notes = [...new Set(all.flatMap((table) => table.notes ?? []))];
  return {
    title,
    unit,
    ...(compared && { compared }),
    ...(notes.length > 0 && { notes }),
    ...(judged.length > 0 && { goals: byGoal(judged, (id) => tables.map((table) => judgedIn(table, id)?.figure)) }),
    ...(unjudged.length > 0 && {
      unjudged: byGoal(unjudged, (id) => tables.map((table) => judgedIn(table, id)?.unjudged)),
    }),
    rows: Object.fromEntries(
      Array.from(names, (name) => [
        name,
        tables.map((table) => {
          const values = table?.rows.find((row) => row.name === name)?.values;
          return values && median(values);
        }),
      ]),
    ),
  };
}

/**
 * @template Value
 * @param {{ goal: GoalId }[]} found
 * @param {(id: GoalId) => Value} valueOf
 */
const byGoal = (found, valueOf) => Object.fromEntries(found.map(({ goal }) => [goal, valueOf(goal)]));

/**
 * @param {Table | undefined} table
 * @param {GoalId} id
 */
const judgedIn = (table, id) => table?.goals.find(({ goal }) => goal === id);

/** @returns {Results} */
function readResults() {
  return JSON.parse(readFileSync(resultsFile, 'utf8'));
}

/**
 * Four digits are more than repeat.
 *
 * @param {unknown} value
 */
const json = (value) =>
  JSON.stringify(value, (_key, part) => (typeof part === 'number' ? Number(part.toPrecision(4)) : part));

/**
 * A line for each row, so that a difference shows which figures have changed.
 *
 * @param {Results} results
 */
function format(results) {
  const sections = Object.entries(results).map(([benchmark, kept]) => {
    const { tables = [], ...run } = kept ?? {};
    const parts = tables.map(({ rows, ...facts }) => {
      const lines = Object.entries(rows).map(([name, figures]) => `\n      ${json(name)}: ${json(figures)}`);
      return `\n    { ${json(facts).slice(1, -1)}, "rows": {${lines.join(',')} } }`;
    });
    return `  ${json(benchmark)}: { ${json(run).slice(1, -1)}, "tables": [${parts.join(',')} ] }`;
  });
  return `{\n${sections.join(',\n')}\n}\n`;
}

/** @returns {Promise<string | undefined>} which file is not as it would be generated now */
export async function resultsProblem() {
  const stale = generated(readResults()).find(([file, text]) => readFileSync(file, 'utf8') !== text);
  return stale && `${relative(root, stale[0])} does not match bench/results.json: run \`npm run bench -- --generate\``;
}

/**
 * @param {Results} results
 * @returns {[file: string, text: string][]}
 */
function generated(results) {
  let text = between(readFileSync(tablesFile, 'utf8'), 'goals', goalTable(results));
  for (const [benchmark, kept] of Object.entries(results)) if (kept) text = between(text, benchmark, sectionText(kept));
  return [
    [tablesFile, text],
    [readmeFile, between(readFileSync(readmeFile, 'utf8'), 'figures', readmeFigures(results))],
    [chartFile, readChart(results.read)],
  ];
}

/**
 * @param {string} text
 * @param {string} name of the lines that the content stands between
 * @param {string} content
 */
function between(text, name, content) {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)];
  if (start === -1 || stop < start) throw new Error(`RESULTS.md or README.md has no lines ${begin} and ${end}`);
  return `${text.slice(0, start)}${begin}\n\n${content}\n\n${text.slice(stop)}`;
}

/** @param {Kept} kept */
function sectionText({ date, commit, machine, runtimes, tables }) {
  return [
    `${date}, commit \`${commit}\`, ${machine}`,
    ...tables.flatMap(({ title, unit, compared = 'ratio', notes = [], rows }) => {
      const [base = []] = Object.values(rows);
      const lines = Object.entries(rows).map(([name, figures]) =>
        [name].concat(
          figures.map((figure, index) => {
            const first = base[index] ?? Number.NaN;
            if (typeof figure !== 'number') return '';
            return (
              show(figure, unit) +
              { ratio: ` (${(figure / first).toFixed(2)})`, over: ` (+ ${show(figure - first, unit)})`, nothing: '' }[
                compared
              ]
            );
          }),
        ),
      );
      return [markdown([title, ...runtimes], lines), ...notes];
    }),
  ].join('\n\n');
}

/** @param {Results} results */
function goalTable(results) {
  const tables = Object.values(results).flatMap((kept) => kept?.tables ?? []);
  return markdown(
    ['', 'goal', ...COLUMNS],
    Object.keys(goals).map((key) => {
      const id = /** @type {GoalId} */ (key);
      const [onBun, onNode] = [true, false].map((isBun) => judge(id, 0, isBun).limit);
      const cells = COLUMNS.map((column, index) => {
        const judged = tables.flatMap(({ goals: figures, unjudged }) => {
          const figure = figures?.[id]?.[index];
          return typeof figure === 'number'
            ? [judge(id, figure, column === 'Bun', unjudged?.[id]?.[index] ?? undefined)]
            : [];
        });
        // Where several tables are about one goal, the worst one counts.
        const worst = judged.find(({ isMet }) => !isMet) ?? judged[0];
        return worst ? (worst.isMet ? worst.figure : `**${worst.figure}**`) : 'not measured yet';
      });
      return [goals[id].what, onBun === onNode ? `${onBun}` : `${onBun} on Bun, ${onNode} on Node`].concat(cells);
    }),
  );
}

/** @param {Results} results */
function readmeFigures(results) {
  const rows = quoted.map((quote) => {
    const kept = results[quote.benchmark]?.tables.find(({ title }) => title === quote.table);
    const figures = quote.goal ? kept?.goals?.[quote.goal] : kept?.rows[quote.row ?? ''];
    return [quote.what].concat(
      COLUMNS.map((_column, index) => {
        const figure = figures?.[index];
        if (typeof figure !== 'number') return 'not measured yet';
        const slower = quote.slower && kept?.goals?.[quote.slower]?.[index];
        return show(figure, 'ns') + (typeof slower === 'number' ? ` (${show(figure * slower, 'ns')})` : '');
      }),
    );
  });
  return markdown(['', ...COLUMNS], rows);
}

/**
 * @param {string} benchmark
 * @param {Table[]} tables of one runtime
 * @returns {string[]} what the README quotes and they do not have
 */
export function quotesMissing(benchmark, tables) {
  return quoted
    .filter((quote) => quote.benchmark === benchmark)
    .flatMap(({ table: title, row, goal, slower }) => {
      const found = tables.find((candidate) => candidate.title === title);
      const names = new Set([
        ...(found?.rows ?? []).map(({ name }) => name),
        ...(found?.goals ?? []).map((judged) => judged.goal),
      ]);
      return [row, goal, slower].filter((name) => name !== undefined && !names.has(name)).map(String);
    });
}

/** @param {string[]} cells */
const line = (cells) => `| ${cells.join(' | ')} |`;

/**
 * @param {string[]} head
 * @param {string[][]} rows
 */
function markdown(head, rows) {
  const rule = head.map((title) => (/^(Bun|Node|rustc) ?/.test(title) ? '--:' : '---'));
  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}
