// @ts-check
import { readFileSync, statfsSync } from 'node:fs';
import { arch, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import { inRoot } from './paths.mjs';
import { run } from './process.mjs';

/** The names of some file systems by their number (linux/magic.h). */
const fileSystems = new Map([
  [0xef53, 'ext4'], [0x5846_5342, 'xfs'], [0x9123_683e, 'btrfs'], [0x794c_7630, 'overlay'], [0x0102_1994, 'tmpfs'],
  [0x2fc1_2fc1, 'zfs'],
]);

/**
 * What a measurement was made of and on.
 *
 * @param {string} command
 * @param {{ withPeers?: boolean }} [options]
 */
export async function describeRun(command, { withPeers = true } = {}) {
  const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()} ${arch()}`;
  const revision = await commit();
  const facts = [
    `Machine: ${machine}`,
    `Load average at the start (1, 5, 15 minutes): ${loadavg().map((figure) => figure.toFixed(1)).join(', ')}`,
    ...(withPeers ? [`File system of the databases: ${fileSystemName()}`, `Compared with: ${peerVersions()}`] : []),
    `Commit: ${revision}`,
    `Date: ${new Date().toISOString().slice(0, 10)}`,
    `Command: \`${command}\``,
  ];
  return { facts, commit: revision, machine };
}

function fileSystemName() {
  const { type: number } = statfsSync(process.env.BENCH_DIRECTORY ?? tmpdir());
  return fileSystems.get(number) ?? `0x${number.toString(16)}`;
}

function peerVersions() {
  const { dependencies } = JSON.parse(readFileSync(inRoot('bench', 'package.json'), 'utf8'));
  return Object.entries(dependencies).map(([name, version]) => `${name} ${version}`).join(', ');
}

/** What was measured, as far as git can say. */
async function commit() {
  const revision = await run('git', ['rev-parse', '--short=12', 'HEAD']);
  if (!revision.ok) return 'unknown';
  const changes = await run('git', ['status', '--porcelain', '--', 'src', 'lib', 'Cargo.toml', 'Cargo.lock', 'bench', 'benches']);
  const own = changes.stdout.split('\n').filter((line) => line !== '' && !/bench\/(RESULTS\.md|results\.json|charts\/)/.test(line));
  return revision.stdout.trim() + (own.length > 0 ? ' with uncommitted changes' : '');
}
