// @ts-check
// Draws a section of RESULTS.md: a panel for each table, a dot for each median, a line from fastest to slowest. Reads JSON
// from standard input and writes SVG. The times span many powers of ten, hence dots on a logarithmic axis and not bars.
import { text } from 'node:stream/consumers';
import { compile } from 'vega-lite';
import { parse, View } from 'vega';
import { median } from './lib/figures.mjs';

/** @typedef {import('./lib/report.mjs').Table} Table */

/** Readable on light and on dark. */
const COLOURS = ['#e0702a', '#2f9e5b', '#3f84e5'];

/** Vega writes colours as attributes, which a style overrules: the chart brings its own ground, light or dark. */
const STYLE = `<style>
  svg { background: #ffffff }
  text { fill: #1f2328 }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117 }
    text { fill: #e6edf3 }
  }
</style>`;

/** How the figures of a unit are written at an axis, as an expression of Vega. */
const TIME = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs']].map(([size, unit]) => `datum.value >= ${size} ? datum.value / ${size} + ' ${unit}' : `).join('');
const labels = /** @type {const} */ ({
  ns: `${TIME} datum.value + ' ns'`,
  bytes: "format(datum.value, '~s') + 'B'",
  'per second': "format(datum.value, '~s') + ' a second'",
  times: "datum.value + ' ×'",
  instructions: "format(datum.value, '~s')",
});

const { title, runtimes } = JSON.parse(await text(process.stdin));
const view = new View(parse(compile(specification()).spec), { renderer: 'none' });
const svg = await view.toSVG();
process.stdout.write(`${svg.replace(/(<svg[^>]*>)/, `$1${STYLE}`)}\n`);

/** @returns {import('vega-lite').TopLevelSpec} */
function specification() {
  const [first] = runtimes;
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: title, anchor: 'start' },
    background: 'transparent',
    padding: 12,
    config: {
      font: 'system-ui, sans-serif',
      axis: { labelLimit: 0, gridColor: '#8888', gridOpacity: 0.35, domainColor: '#888', tickColor: '#888' },
      view: { stroke: '#8886' },
    },
    vconcat: first.tables.map((/** @type {Table} */ _table, /** @type {number} */ index) => panel(index)),
    resolve: { scale: { x: 'independent', y: 'independent' } },
  };
}

/** @param {number} index of a table */
function panel(index) {
  /** @type {Table} */
  const first = runtimes[0].tables[index];
  const names = first.rows.map(({ name }) => label(name));
  return {
    title: { text: label(first.title), anchor: 'start', fontSize: 12 },
    width: 460,
    height: { step: 20 },
    data: { values: runtimes.flatMap((/** @type {any} */ runtime) => points(runtime, index)) },
    encoding: {
      y: { field: 'contestant', type: 'nominal', sort: names, title: null },
      color: { field: 'runtime', type: 'nominal', title: null, scale: { range: COLOURS }, legend: { orient: 'top' } },
    },
    layer: [
      {
        mark: { type: 'rule', strokeWidth: 2, opacity: 0.6 },
        encoding: { x: { field: 'fastest', type: 'quantitative', scale: { type: 'log' } }, x2: { field: 'slowest' } },
      },
      {
        mark: { type: 'point', filled: true, size: 42, opacity: 1 },
        encoding: {
          x: { field: 'median', type: 'quantitative', scale: { type: 'log' }, axis: { title: null, labelExpr: labels[first.unit] } },
        },
      },
    ],
  };
}

/**
 * @param {{ title: string, tables: Table[] }} runtime
 * @param {number} index
 */
function points(runtime, index) {
  return (runtime.tables[index]?.rows ?? [])
    .map(({ name, values }) => ({
      runtime: runtime.title,
      contestant: label(name),
      median: median(values),
      fastest: Math.min(...values),
      slowest: Math.max(...values),
    }))
    // A difference of two measurements can be below zero, for which a logarithmic axis has no place.
    .filter(({ fastest }) => fastest > 0);
}

/**
 * Tables are Markdown, charts are not; and the runtime's own SQLite is one contestant.
 *
 * @param {string} name
 */
function label(name) {
  return name.replaceAll('`', '').replace(/\b(bun|node):sqlite/, "the runtime's own SQLite");
}
