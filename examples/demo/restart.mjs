import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { lookFromOutside, startProcess } from './process.mjs';
import { blank, check, list, say, table } from './terminal.mjs';

const kills = 5;
const acknowledgedPerLife = 25;

/**
 * The state outlives the process that made it, however that ends.
 *
 * @param {string} directory
 */
export async function restart(directory) {
  const persistPath = join(directory, 'restart.db');
  await endOnPurpose(persistPath);
  await endByKill(persistPath);
}

/** @param {string} persistPath */
async function endOnPurpose(persistPath) {
  const config = createProductionConfig({ persistPath, environment: 'production' });
  config.enableFeature('metrics');
  config.enableFeature('beta_feature');
  config.setTerminalSettings(2, 50, 120);
  const { revision, changeReason } = await config.persist('ready_to_restart');
  const { features, terminal } = config.getDebugView();
  await config.close();

  say('This process persists its state and closes it. Another one starts, opens the file, and goes on from there:');
  const seen = await lookFromOutside(persistPath);
  const ours = `${terminal.modeName} ${terminal.dimensions}`;
  table(
    [
      { title: 'process', style: 'bold' },
      { title: 'revision', align: 'right' },
      { title: 'terminal' },
      { title: 'features that are on', style: 'green' },
    ],
    [
      [`${process.pid}, before`, String(revision), ours, list(features.enabled)],
      [`${seen.pid}, after`, String(seen.revision), seen.terminal, list(seen.enabled)],
    ],
  );
  check(
    seen.revision === revision &&
      seen.reason === changeReason &&
      seen.terminal === ours &&
      list(seen.enabled) === list(features.enabled),
    'the other process has the same state and the same history',
  );
}

/** @param {string} persistPath */
async function endByKill(persistPath) {
  blank();
  say(
    `Now the hard way: a process persists as fast as it can and is ended by \`kill -9\` in the middle of it, ${kills} times.`,
  );
  /** @type {string[][]} */
  const rows = [];
  let lost = 0;
  for (let life = 1; life <= kills; life += 1) {
    const { pid, signal, acknowledged } = await workAndDie(persistPath);
    const kept = await revisionsIn(persistPath);
    const missing = [...acknowledged].filter(([revision, hex]) => kept.get(revision) !== hex);
    lost += missing.length;
    const [last = 0] = [...acknowledged.keys()].slice(-1);
    rows.push([
      String(pid),
      String(signal),
      String(acknowledged.size),
      String(last),
      String(Math.max(...kept.keys())),
      String(missing.length),
    ]);
  }
  table(
    [
      { title: 'process', style: 'bold' },
      { title: 'ended by', style: 'red' },
      { title: 'acknowledged', align: 'right' },
      { title: 'last one', align: 'right' },
      { title: 'last in file', align: 'right' },
      { title: 'lost', align: 'right', style: 'green' },
    ],
    rows,
  );
  check(
    rows.every(([, signal]) => signal === 'SIGKILL'),
    'each process was killed in the middle of its work',
  );
  check(lost === 0, 'whatever persist() had acknowledged is in the file');
}

/** @param {string} persistPath */
async function workAndDie(persistPath) {
  const worker = startProcess('work', persistPath);
  /** @type {Map<number, string>} */
  const acknowledged = new Map();
  // Until it is gone: what it still said between the kill and its end counts as well.
  for (let line = await worker.line(); line !== undefined; line = await worker.line()) {
    const [revision, hex = ''] = line.split(' ');
    acknowledged.set(Number(revision), hex);
    if (acknowledged.size === acknowledgedPerLife) worker.kill();
  }
  const { signal } = await worker.ended;
  return { pid: worker.pid, signal, acknowledged };
}

/** @param {string} persistPath */
async function revisionsIn(persistPath) {
  const config = createProductionConfig({ persistPath, environment: 'production', readOnly: true });
  const history = await config.getHistory(10_000);
  await config.close();
  return new Map(history.map(({ revision, configHex }) => [revision, configHex]));
}
