// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { inRoot, root } from './paths.mjs';
import { run } from './process.mjs';

const START = '<!-- session: written by scripts/record-session.mjs -->';
const END = '<!-- end of session -->';

/** What the port of the recording, which is any free one, is called in it. */
const SHOWN_PORT = '8080';

/** What is typed into the second terminal. `{url}` is where the server is. */
const COMMANDS = [
  'node ask.mjs {url}',
  'npx 13byte-config disable maintenence_mode --db ./config.db --env production',
  'npx 13byte-config disable maintenance_mode --db ./config.db --env production',
  'node ask.mjs {url}',
];

/**
 * The README with its session as it is now.
 *
 * @type {import('./generated.mjs').GeneratedFile}
 */
export const recordedSession = {
  path: inRoot('README.md'),
  source: 'what the programs of its session print',
  command: 'node scripts/record-session.mjs',
  async generate() {
    const readme = readFileSync(inRoot('README.md'), 'utf8');
    const [start, end] = [readme.indexOf(START), readme.indexOf(END)];
    if (start === -1 || end < start) throw new Error(`README.md lacks the markers ${START} and ${END}`);
    return `${readme.slice(0, start)}${START}\n\n${await record()}\n${readme.slice(end)}`;
  },
};

/** Runs the session in a project that has the package installed, and gives it as a block of Markdown. */
async function record() {
  const project = makeProject();
  try {
    const server = await startServer(project);
    try {
      const second = await typeAll(project, server.url);
      const session = `# in one terminal\n$ node server.mjs ./config.db ${SHOWN_PORT}\n${server.url}\n\n# in another\n${second}`;
      return `\`\`\`console\n${session.replaceAll(`:${server.port}/`, `:${SHOWN_PORT}/`)}\`\`\`\n`;
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

/** As `npm install` leaves it, with the programs of the example. */
function makeProject() {
  const project = mkdtempSync(join(tmpdir(), '13byte-config-session-'));
  const bin = join(project, 'node_modules', '.bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(root, join(project, 'node_modules', '13byte-config'), 'dir');
  symlinkSync(join('..', '13byte-config', 'dist', 'cli.cjs'), join(bin, '13byte-config'));
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
  cpSync(inRoot('examples', 'maintenance'), project, { recursive: true });
  return project;
}

/** @param {string} project */
async function startServer(project) {
  const child = spawn(process.execPath, ['server.mjs', './config.db', '0'], { cwd: project, env: environment(), stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const { value: url } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (url === undefined) throw new Error('The server of the session did not start');
  return {
    url,
    port: new URL(url).port,
    async stop() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

/**
 * @param {string} project
 * @param {string} url
 */
async function typeAll(project, url) {
  let session = '';
  for (const command of COMMANDS) {
    const typed = command.replace('{url}', url);
    const { output } = await run('sh', ['-c', typed], { cwd: project, env: environment(), timeoutMs: 60_000 });
    session += `$ ${typed}\n${output}`;
  }
  return session;
}

/** Of a user who has no settings, and whose `node` is this one. */
function environment() {
  return {
    ...Object.fromEntries(Object.keys(process.env).filter((name) => /^(CONFIG13BYTE_|npm_)/i.test(name)).map((name) => [name, undefined])),
    NODE_ENV: undefined,
    NODE_OPTIONS: undefined,
    FORCE_COLOR: undefined,
    NO_COLOR: '1',
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
    // Nothing is to be looked up: the command is installed.
    npm_config_offline: 'true',
    npm_config_loglevel: 'error',
    npm_config_update_notifier: 'false',
  };
}
