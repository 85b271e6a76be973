// How the files of an installed package are found and loaded: the addon, and what is loaded after the start.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { addonFile } from '../scripts/lib/addon.mjs';
import { inRoot } from '../scripts/lib/paths.mjs';
import { onPosix } from './harness/posix.mjs';
import { ownStderr } from './harness/stderr.mjs';
import { suite } from './harness/suite.mjs';

const TARGET = basename(addonFile()).slice('binding.'.length, -'.node'.length);
const isNode = process.versions.bun === undefined;
const isLinuxRoot = process.platform === 'linux' && process.getuid() === 0;

export default suite('loading', {
  // ---- The addon ----------------------------------------------------------------------------------------------

  'the executable tells the C library, so no report is made'(t) {
    const project = install(t);
    const program = `
      const { report } = process;
      let reports = 0;
      const getReport = report.getReport.bind(report);
      report.getReport = () => { reports += 1; return getReport(); };
      require('13byte-config').createProductionConfig().enableFeature('debug');
      console.log(reports);
    `;
    // Bun makes it at once, and asks nobody. Elsewhere there is one C library.
    assert.equal(run(project, program), isNode || process.platform !== 'linux' ? '0' : '1');
  },

  'a runtime that allows no buffers over memory of others says so'(t) {
    const call = 'node_api_create_external_sharedarraybuffer';
    const project = install(t);
    const source = join(project, 'refuses.c');
    // What Electron's does. A runtime that has the call uses its own.
    writeFileSync(source, `int ${call}(void) { return 22; }\n`);
    // What `cc` makes is for this machine, which an emulated runtime is not on.
    if (process.platform !== 'linux' || process.env.SPEC_EXEC_PATH) return;
    if (readFileSync(process.execPath).includes(call)) return;
    const library = join(project, 'refuses.so');
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, source]);
    const program = `
      try {
        require('13byte-config').createProductionConfig();
      } catch ({ code, message }) {
        console.log(code, message);
      }
    `;
    assert.equal(
      run(project, program, { env: { LD_PRELOAD: library } }),
      'ERR_UNSUPPORTED This runtime allows no buffers over memory that it did not allocate, as Electron since version 21: ' +
        'use 13byte-config in a process of Node or Bun',
    );
  },

  'a report asks no name server'(t) {
    const loader = '/lib64/ld-linux-x86-64.so.2';
    if (!isNode || !existsSync(loader)) return;
    const program = `
      const { report } = process;
      const getReport = report.getReport.bind(report);
      report.getReport = () => { console.log(report.excludeNetwork); return getReport(); };
      require('13byte-config').createProductionConfig().enableFeature('debug');
      console.log(report.excludeNetwork);
    `;
    // What was started by the dynamic linker is not told by its executable.
    assert.equal(run(install(t), program, { command: [loader, process.execPath] }), 'true\nfalse');
  },

  'without a report, each C library is tried'(t) {
    if (process.platform !== 'linux') return;
    const hidden = "Object.defineProperty(process, 'report', { value: undefined });";
    const loader = '/lib64/ld-linux-x86-64.so.2';
    const command = isNode && existsSync(loader) ? [loader, process.execPath] : [process.execPath];
    for (const libc of ['gnu', 'musl']) {
      const project = install(t, { target: `linux-${process.arch}-${libc}` });
      assert.equal(run(project, `${hidden} require('13byte-config'); console.log('loaded');`, { command }), 'loaded');
    }
  },

  'a missing addon: install it'(t) {
    const project = install(t, { target: undefined });
    failsToLoad(
      project,
      /^No native addon of 13byte-config for \w+ \w+: install it again without omitting optional dependencies/,
    );
  },

  'addons of other platforms: install here'(t) {
    const target = TARGET === 'darwin-arm64' ? 'win32-x64-msvc' : 'darwin-arm64';
    const expected = new RegExp(
      `^No native addon .* \\(${TARGET}\\), but one for ${target}\\. node_modules belongs to the platform`,
    );
    failsToLoad(install(t, { target }), expected);
  },

  'an unsupported platform: which are supported'(t) {
    const message = failsToLoad(install(t), /^13byte-config has no native addon for \w+-riscv64/, {
      before: "Object.defineProperty(process, 'arch', { value: 'riscv64' });",
    });
    assert.match(message, /linux-x64-gnu/);
  },

  'a broken addon: install again'(t) {
    for (const content of ['', 'not an addon', 'x'.repeat(5000)]) {
      const project = install(t, { content: Buffer.from(content) });
      failsToLoad(project, /node cannot be loaded: the file is broken \(.*\)\. Install the package again$/);
    }
  },

  'an addon that was built for another platform: which'(t) {
    const machine = Buffer.alloc(5000);
    // A Mach-O library for arm64, and an ELF one for RISC-V.
    machine.writeUInt32LE(0xfeedfacf, 0);
    machine.writeUInt32LE(0x0100000c, 4);
    if (TARGET !== 'darwin-arm64')
      failsToLoad(
        install(t, { content: machine }),
        /it was built for darwin-arm64, and this is .*\. node_modules belongs/,
      );
    machine.writeUInt32BE(0x7f454c46, 0);
    machine.writeUInt32LE(0x00010102, 4);
    machine.writeUInt16LE(0xf3, 0x12);
    failsToLoad(install(t, { content: machine }), /it was built for linux-machine 243, and this is /);
  },

  'addons that are not allowed: which option'(t) {
    const project = install(t);
    failsToLoad(project, /must not be loaded: Node was started with --no-addons\. Start it without/, {
      flags: ['--no-addons'],
    });
    if (!isNode) return;
    const permission = Number(process.versions.node.split('.')[0]) < 22 ? '--experimental-permission' : '--permission';
    failsToLoad(project, /must not be loaded: Node's permission model is on\. Start Node with --allow-addons/, {
      flags: [permission, '--allow-fs-read=*'],
    });
  },

  'a file system that is mounted noexec: which'(t) {
    if (!isLinuxRoot) return;
    const project = install(t);
    const addons = join(project, 'node_modules', '@13byte-config');
    renameSync(addons, join(project, 'addons'));
    mkdirSync(addons);
    const script = 'mount -t tmpfs -o noexec none "$1" && cp -r "$2/." "$1" && shift 2 && exec "$@"';
    const message = failsToLoad(
      project,
      /is mounted noexec\. Mount it without noexec, or install the package elsewhere$/,
      {
        command: ['unshare', '-m', 'sh', '-c', script, 'sh', addons, join(project, 'addons'), process.execPath],
      },
    );
    assert.ok(message.includes(`the file system at ${addons} is`), message);
  },

  'the command line prints the cause'(t) {
    const project = install(t, { content: Buffer.from('broken') });
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(project, 'node_modules/13byte-config/dist/cli.cjs'), 'doctor'],
      {
        encoding: 'utf8',
        env: { ...process.env, NO_COLOR: '1' },
      },
    );
    assert.equal(status, 1);
    assert.match(
      ownStderr(stderr),
      /^13byte-config: The native addon .*\.node cannot be loaded: the file is broken .*\(ERR_BINDING\)\n$/,
    );
  },

  // ---- What is loaded after the start -------------------------------------------------------------------------

  'a config with a database goes on when the package is removed'(t) {
    for (const enableClusterSync of [false, true]) {
      const project = install(t);
      const program = `${open(enableClusterSync)}
        setImmediate(main);
        async function main() {
          fs.rmSync('node_modules', { recursive: true });
          const told = new Promise((resolve) => config.ref().once('change', resolve));
          config.enableFeature('debug');
          await told;
          config.update((draft) => draft.enable('metrics'));
          await config.persist('after that');
          const { checks } = await config.healthCheck();
          assert.deepEqual(checks.filter(({ status }) => status === 'failed'), []);
          assert.ok(util.inspect(config).includes('debug'));
          assert.ok(config.metricsText().endsWith('# EOF\\n'));
          assert.equal((await config.verify()).ok, true);
          await config.backup('copy.db');
          const other = attachConfig(config.share());
          assert.deepEqual((await other.getHistory()).map(({ changeReason }) => changeReason), ['after that']);
          await other.close();
          await config.close();
          console.log('done');
        }
      `;
      assert.equal(run(project, program), 'done');
    }
  },

  ...onPosix({
    'a config with a database persists when no file descriptor is left'(t) {
      const program = `${open(true)}
      setImmediate(exhaust);
      function exhaust() {
        const files = [];
        try {
          for (;;) files.push(fs.openSync('.', 'r'));
        } catch ({ code }) {
          assert.equal(code, 'EMFILE');
        }
        config.enableFeature('debug');
        process.once('SIGTERM', async () => {
          await config.persist('at the end');
          for (const file of files) fs.closeSync(file);
          console.log((await config.getHistory())[0].changeReason);
          await config.close();
        });
        process.kill(process.pid, 'SIGTERM');
        setTimeout(() => {}, 1000);
      }
    `;
      const command = ['sh', '-c', 'ulimit -n 128 && exec "$0" "$@"', process.execPath];
      assert.equal(run(install(t), program, { command }), 'at the end');
    },

    'it is tried again when there are descriptors again, and warned of'(t) {
      const program = `${open(true)}
      const held = setInterval(() => {}, 60_000);
      const files = [];
      try {
        for (;;) files.push(fs.openSync('.', 'r'));
      } catch {}
      process.once('warning', ({ name, code, message }) => {
        assert.equal(name, 'ConfigWarning');
        assert.equal(code, 'ERR_PACKAGE_FILES');
        assert.match(message, /^13byte-config could not load dist.on-demand\\.cjs: there are no file descriptors left/);
        for (const file of files) fs.closeSync(file);
        const waiting = setInterval(() => {
          if (!isLoaded()) return;
          clearInterval(waiting);
          goOn();
        }, 10);
      });
      function goOn() {
        fs.rmSync('node_modules', { recursive: true });
        config.persist('later').then(() => console.log('persisted')).finally(() => clearInterval(held));
      }
    `;
      const command = ['sh', '-c', 'ulimit -n 128 && exec "$0" "$@"', process.execPath];
      assert.equal(run(install(t), program, { command }), 'persisted');
    },
  }),

  'they are loaded right after the start of a program with a database, and only then'(t) {
    const project = install(t);
    const later = 'console.log(isLoaded()); Promise.resolve().then(() => console.log(isLoaded()));';
    assert.equal(run(project, `${open(false)} ${later}`), 'false\ntrue');
    assert.equal(
      run(
        project,
        `${HEAD} createProductionConfig({ enableClusterSync: true, clusterName: 'x', environment: 'loading' }); ${later}`,
      ),
      'false\ntrue',
    );
    assert.equal(run(project, `${HEAD} createProductionConfig(); ${later}`), 'false\nfalse');
  },

  'what tests put in the place of timers and the like is not asked'(t) {
    const program = `${HEAD}
      const asked = [];
      for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']) {
        globalThis[name] = () => { asked.push(name); };
      }
      process.nextTick = () => { asked.push('nextTick'); };
      createProductionConfig({ persistPath: 'config.db' });
      Promise.resolve().then(() => console.log(isLoaded(), asked));
    `;
    assert.equal(run(install(t), program), 'true []');
  },

  'the files of two builds never work together'(t) {
    const project = install(t);
    const file = join(project, 'node_modules/13byte-config/dist/on-demand.cjs');
    const other = readFileSync(file, 'utf8').replace(
      /^exports\.BUILD = ".*";$/m,
      'exports.BUILD = "9.9.9+000000000000";',
    );
    writeFileSync(join(project, 'other.cjs'), other);
    const program = `${HEAD}
      const config = createProductionConfig();
      fs.copyFileSync('other.cjs', 'node_modules/13byte-config/dist/on-demand.cjs');
      const replaced = /^13byte-config was replaced while this program runs: it runs \\d+\\.\\d+\\.\\d+\\+\\w+, and dist.on-demand\\.cjs is now of 9\\.9\\.9\\+0+\\. Restart the program$/;
      assert.throws(() => config.getDebugView(), { name: 'ConfigError', code: 'ERR_PACKAGE_FILES', message: replaced });
      assert.throws(() => config.share(), { code: 'ERR_PACKAGE_FILES', message: replaced });
      config.enableFeature('debug');
      console.log(config.isFeatureEnabled('debug'));
    `;
    assert.equal(run(project, program), 'true');
  },

  'a file that is gone is named'(t) {
    const project = install(t);
    const program = `${HEAD}
      const config = createProductionConfig();
      fs.rmSync('node_modules/13byte-config', { recursive: true });
      const gone = /^13byte-config could not load dist.on-demand\\.cjs: the file is gone, so the package was removed or replaced/;
      assert.throws(() => config.getMetrics(), { code: 'ERR_PACKAGE_FILES', message: gone });
      console.log('refused');
    `;
    assert.equal(run(project, program), 'refused');
  },
});

const HEAD = `
  const assert = require('node:assert/strict');
  const fs = require('node:fs');
  const util = require('node:util');
  const { attachConfig, createProductionConfig } = require('13byte-config');
  const isLoaded = () => Object.keys(require.cache).some((file) => file.endsWith('on-demand.cjs'));
`;

/** @param {boolean} enableClusterSync */
function open(enableClusterSync) {
  return `${HEAD} const config = createProductionConfig({ persistPath: 'config.db', enableClusterSync: ${enableClusterSync} });`;
}

/**
 * A project with a copy of the package and, in a package of its own, an addon.
 *
 * @param {{ tempDir(): string }} t
 * @param {{ target?: string | undefined, content?: Buffer }} [addon] for which platform, and what is in its file
 */
function install(t, addon = {}) {
  const project = t.tempDir();
  const directory = join(project, 'node_modules', '13byte-config');
  mkdirSync(directory, { recursive: true });
  for (const file of ['package.json', 'types', 'dist'])
    cpSync(inRoot(file), join(directory, file), { recursive: true });
  const target = 'target' in addon ? addon.target : TARGET;
  if (target === undefined) return project;
  const binding = join(project, 'node_modules', '@13byte-config', `binding-${target}`);
  mkdirSync(binding, { recursive: true });
  const main = `binding.${target}.node`;
  writeFileSync(join(binding, 'package.json'), JSON.stringify({ name: `@13byte-config/binding-${target}`, main }));
  if (addon.content) writeFileSync(join(binding, main), addon.content);
  else copyFileSync(addonFile(), join(binding, main));
  return project;
}

/**
 * Runs a program in a project, and gives what it prints.
 *
 * @param {string} project
 * @param {string} program
 * @param {{ command?: readonly string[], flags?: readonly string[], env?: Record<string, string> }} [how]
 */
function run(project, program, { command: [file, ...before] = [process.execPath], flags = [], env = {} } = {}) {
  const path = join(project, 'program.cjs');
  writeFileSync(path, program);
  const { status, signal, stdout, stderr } = spawnSync(file, [...before, ...flags, path], {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, NODE_ENV: 'production', ...env },
    timeout: 30_000,
  });
  assert.equal(signal ?? status, 0, stderr);
  return stdout.trim();
}

/**
 * @param {string} project
 * @param {RegExp} expected
 * @param {{ before?: string, command?: readonly string[], flags?: readonly string[] }} [how]
 * @returns {string} the message
 */
function failsToLoad(project, expected, { before = '', ...how } = {}) {
  const program = `${before}
    try {
      require('13byte-config');
    } catch ({ name, code, message }) {
      console.log(JSON.stringify({ name, code, message }));
    }
  `;
  const { name, code, message } = JSON.parse(run(project, program, how));
  assert.equal(`${name} ${code}`, 'ConfigError ERR_BINDING');
  assert.match(message, expected);
  return message;
}
