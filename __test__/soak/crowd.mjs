// Many processes that listen to one config, and change it.
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from '../children/peers.mjs';

/** Connections that a process keeps to the listeners of others. */
const MAX_CONNECTIONS = 8;

/**
 * Each process flips once, and all others hear of it, with no look every second. The median is that of all flips but the
 * first one of each process, which finds the listeners.
 */
export async function crowd({ directory, size, paths, after }) {
  const options = {
    persistPath: join(directory, 'config.db'),
    enableClusterSync: true,
    environment: 'crowd',
    features: ['a'],
  };
  const peers = Array.from({ length: size }, (_, index) => startProcess({ path: paths[index % paths.length] }));
  after(() => Promise.all(peers.map((peer) => peer.stop())));
  for (const peer of peers) {
    await peer.tell('stopTheClock');
    await peer.tell('open', options);
    await peer.tell('listen');
  }
  const doorbells = `${options.persistPath}-live-crowd-doorbells`;
  while (readdirSync(doorbells).filter((name) => !name.endsWith('.new')).length < size)
    await peers[0].tell('getEnabledFeatures');
  const before = countSockets(peers);

  const figures = { first: [], later: [], heard: [] };
  let isOn = false;
  for (const which of ['first', 'later']) {
    for (const peer of peers) {
      isOn = !isOn;
      const started = performance.now();
      const wanted = isOn ? ['a'] : [];
      const heard = peers.map((other) => other.tell('hears', wanted));
      figures[which].push(await peer.tell('timeFlip', 'a'));
      await Promise.all(heard);
      if (which === 'later') figures.heard.push(performance.now() - started);
    }
  }
  const sockets = countSockets(peers) - before;
  // Some that the notifiers are about to close.
  assert.ok(sockets <= size * (2 * MAX_CONNECTIONS + 1), `${sockets} connections for ${size} processes`);
  const { checks } = await peers[0].tell('healthCheck');
  assert.equal(checks.find(({ name }) => name === 'listening').status, 'ok');
  return {
    processes: size,
    endsOfConnections: sockets,
    firstFlipMs: summary(figures.first),
    flipMs: summary(figures.later),
    allHaveHeardMs: summary(figures.heard),
  };
}

function countSockets(peers) {
  let count = 0;
  for (const { pid } of peers) {
    for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
      try {
        if (readlinkSync(`/proc/${pid}/fd/${descriptor}`).startsWith('socket:')) count += 1;
      } catch {
        // It was closed meanwhile.
      }
    }
  }
  return count;
}

function summary(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part) => Number(sorted[Math.floor((sorted.length - 1) * part)].toFixed(3));
  return { median: at(0.5), p90: at(0.9), most: at(1) };
}
