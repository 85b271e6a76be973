// @ts-check
// The console sessions of the README: their commands, run in a project that has the packages installed, print what it says.
// The last command of a terminal that another follows (`# in another`) keeps running; `…` stands for anything.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { run } from '../../scripts/lib/process.mjs';
import { thisNode } from '../../scripts/lib/runtimes.mjs';
import { environmentOf, makeProject, npmInstall, publish } from './support/packages.mjs';

/** The port that the README names, in place of which any free one is used. */
const PORT = '8080';

const { registry } = await publish();
const project = makeProject('readme', registry);
const env = environmentOf(thisNode());
before(() => npmInstall(project));
before(() => cpSync(inRoot('examples', 'maintenance'), project, { recursive: true }));

const readme = readFileSync(inRoot('README.md'), 'utf8');
const blocks = Array.from(readme.matchAll(/^```console\n(.*?)^```$/gms), ([, block = '']) => block);

test('the README has a console session', () => assert.ok(blocks.length > 0));

for (const block of blocks) {
  test(`prints what the README says: ${commandsOf(block)[0]?.command}`, { timeout: 120_000 }, async () => {
    const terminals = block
      .replaceAll(PORT, await freePort())
      .split(/^# .*\n/m)
      .filter((text) => text.trim() !== '')
      .map(commandsOf);
    for (const [index, commands] of terminals.entries()) {
      for (const { command, expected } of commands) {
        const staysOpen = index < terminals.length - 1 && command === commands.at(-1)?.command;
        const printed = await (staysOpen ? printedByServer(command, expected.length) : printedBy(command));
        assert.match([command, ...printed].join('\n'), pattern([command, ...expected]));
      }
    }
  });
}

/** @param {string} text of a terminal */
function commandsOf(text) {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...expected] = part.trimEnd().split('\n');
      return { command, expected };
    });
}

/** @param {string[]} expected lines */
function pattern(expected) {
  const escaped = expected.join('\n').replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('…', '.*')}$`, 's');
}

/** @param {string} command */
async function printedBy(command) {
  const { output } = await run('sh', ['-c', command], { cwd: project, env, timeoutMs: 60_000 });
  return output.trimEnd().split('\n');
}

/**
 * @param {string} command
 * @param {number} lines that it prints before it waits
 */
async function printedByServer(command, lines) {
  const server = spawn('sh', ['-c', `exec ${command}`], {
    cwd: project,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  after(() => server.kill('SIGKILL'));
  const printed = [];
  for await (const line of createInterface({ input: server.stdout })) {
    printed.push(line);
    if (printed.length === lines) break;
  }
  return printed;
}

/** @returns {Promise<string>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return String(port);
}
