// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { inRoot } from './paths.mjs';
import { allRuntimes, thisNode } from './runtimes.mjs';

/**
 * A chart of one section as SVG. The library that draws it belongs to `bench/` and wants a newer Node than ours.
 *
 * @param {string} title
 * @param {import('./bench-results.mjs').Measured[]} runtimes
 * @returns {Promise<string>}
 */
export async function drawChart(title, runtimes) {
  const { runtimes: available } = await allRuntimes();
  const node = available.findLast(({ name }) => name === 'node') ?? thisNode();
  const child = spawn(node.path, [inRoot('bench', 'chart.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify({ title, runtimes }));
  const [svg, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (code !== 0 || !svg.startsWith('<svg')) throw new Error(`No chart of ${title}: exit code ${code}`);
  return svg;
}
