import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { startProcess } from './process.mjs';
import { check, duration, list, say, table } from './terminal.mjs';

const watchers = 3;
const measuringMs = 300;

/**
 * One state for all the processes of a machine.
 *
 * @param {string} directory
 */
export async function sharedMemory(directory) {
  const persistPath = join(directory, 'cluster-config.db');
  const config = createProductionConfig({ persistPath, environment: 'production', enableClusterSync: true });
  await flipForAll(config, persistPath);
  await measureDistance(config, persistPath);
  await config.close();
}

/** @typedef {import('13byte-config').ProductionConfig} Config */

/**
 * @param {Config} config
 * @param {string} persistPath
 */
async function flipForAll(config, persistPath) {
  say(
    'With `enableClusterSync: true` every process that opens the database looks at the same 13 bytes of memory. Nothing is sent around, so nothing gets out of step.',
  );
  const others = Array.from({ length: watchers }, () => startProcess('watch', persistPath));
  for (const other of others) await other.line();
  config.enableFeature('new_feature');

  const rows = [[`${process.pid}, flips new_feature`, list(config.getEnabledFeatures())]];
  for (const other of others) {
    const seen = JSON.parse((await other.line()) ?? '{"enabled":[]}');
    rows.push([`${other.pid}, watches`, list(seen.enabled)]);
    await other.ended;
  }
  table(
    [
      { title: 'process', style: 'bold' },
      { title: 'features that are on', style: 'green' },
    ],
    rows,
  );
  check(
    rows.every(([, enabled]) => enabled === 'new_feature'),
    'one flip, seen by every process',
  );
}

/**
 * How long a flip takes to be seen and answered by a process that looks all the time.
 *
 * @param {Config} config
 * @param {string} persistPath
 */
async function measureDistance(config, persistPath) {
  const other = startProcess('follow', persistPath);
  await other.line();
  /** @type {number[]} */
  const roundTrips = [];
  const end = performance.now() + measuringMs;
  let on = false;
  while (performance.now() < end) {
    on = !on;
    const start = performance.now();
    config.setFeature('metrics', on);
    while (config.isFeatureEnabled('logging') !== on && performance.now() < end + 1000);
    roundTrips.push((performance.now() - start) * 1_000_000);
  }
  config.enableFeature('maintenance_mode');
  const { code } = await other.ended;

  const median = roundTrips.toSorted((a, b) => a - b)[roundTrips.length >> 1] ?? 0;
  check(
    code === 0 && roundTrips.length > 0,
    `another process answered ${roundTrips.length.toLocaleString('en')} flips with a flip of its own; there and back took ${duration(median)} (median)`,
  );
}
