// @ts-check
// The chart of the README: what reading a flag takes in each library, on a logarithmic scale, on the Node with long-term
// support.
import { show } from '../../bench/lib/figures.mjs';

const TABLE = 'Is it on? Eight features in turn';
const OURS = '`config.isFeatureEnabled(names[i & 7])`';
/** Not in the chart: variants of libraries that are in it, and what is written by hand. */
const LEFT_OUT = /^by hand|^the same|^`features|13byte-config\/openfeature|^lmdb, /;

const [WIDTH, LABELS, BAR, STEP, TOP] = [760, 250, 18, 26, 44];
/** Nanoseconds at both ends of the scale. */
const [FROM, TO] = [1, 100_000];

const STYLE = `<style>
  svg { background: #fff; font: 13px system-ui, sans-serif }
  text { fill: #1f2328 }
  .other { fill: #8c959f }
  .ours { fill: #e0702a }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117 }
    text { fill: #e6edf3 }
  }
</style>`;

/**
 * @param {import('./bench-results.mjs').Kept | undefined} read
 * @returns {string} SVG
 */
export function readChart(read) {
  const index = read?.runtimes.findIndex((title) => title.startsWith('Node')) ?? -1;
  const rows = Object.entries(read?.tables.find(({ title }) => title === TABLE)?.rows ?? {});
  const bars = rows
    .filter(([name]) => !LEFT_OUT.test(name))
    .flatMap(([name, figures]) => {
      const [time, isOurs] = [figures[index], name === OURS];
      const label = isOurs ? '13byte-config' : name.split(': `')[0]?.replace('bun:sqlite or ', '');
      return typeof time === 'number' ? [{ label, time, isOurs }] : [];
    })
    .toSorted((one, other) => one.time - other.time);
  const height = TOP + bars.length * STEP + 10;
  const scale = (WIDTH - LABELS - 90) / Math.log(TO / FROM);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>Time to read a flag, by library</title>
${STYLE}
<text x="10" y="26" font-weight="600">Time to read a flag, logarithmic (${read?.runtimes[index] ?? 'not measured yet'})</text>
${bars
  .map(({ label, time, isOurs }, row) => {
    const y = TOP + row * STEP;
    const width = Math.log(time / FROM) * scale;
    return [
      `<text x="${LABELS - 8}" y="${y + 14}" text-anchor="end">${label}</text>`,
      `<rect class="${isOurs ? 'ours' : 'other'}" x="${LABELS}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`,
      `<text x="${(LABELS + width + 6).toFixed(1)}" y="${y + 14}">${show(time, 'ns')}</text>`,
    ].join('');
  })
  .join('\n')}
</svg>
`;
}
