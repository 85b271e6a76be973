// @ts-check
// The packed packages, installed into empty projects outside the repository, and used there as the README says.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { allRuntimes } from '../../scripts/lib/runtimes.mjs';
import { hostOf, installers } from './support/installers.mjs';
import { makeProject, npmInstall, publish, runProgram, thisPlatform } from './support/packages.mjs';

/** @typedef {import('./support/installers.mjs').Host} Host */

const { runtimes } = await allRuntimes();
const { registry, root, binding } = await publish();

describe('what is published', () => {
  test('the package holds the facade, its types and its papers', (t) => {
    t.diagnostic(sizes(root));
    assert.deepEqual(root.contents, [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist/THIRD-PARTY-NOTICES.md',
      'dist/addon-problem.cjs',
      'dist/cli.cjs',
      'dist/index.cjs',
      'dist/on-demand.cjs',
      'dist/openfeature.cjs',
      'dist/openfeature.mjs',
      'dist/opentelemetry.cjs',
      'dist/opentelemetry.mjs',
      'dist/testing.cjs',
      'docs/bundling.md',
      'docs/errors.md',
      'docs/memory.md',
      'docs/operations.md',
      'index.d.ts',
      'package.json',
      'types/index.d.mts',
      'types/index.mjs',
      'types/openfeature.d.mts',
      'types/openfeature.d.ts',
      'types/opentelemetry.d.mts',
      'types/opentelemetry.d.ts',
      'types/testing.d.mts',
      'types/testing.d.ts',
      'types/testing.mjs',
    ]);
    assert.ok(root.size < 180_000, `the package has ${root.size} bytes`);
  });

  test('the binding package holds the addon', (t) => {
    t.diagnostic(sizes(binding));
    assert.deepEqual(binding.contents, ['README.md', `binding.${thisPlatform()}.node`, 'package.json']);
    assert.ok(binding.size < 4_000_000, `the binding package has ${binding.size} bytes`);
  });
});

for (const { name, install, addons, hosts, ignoresLibc } of installers) {
  describe(`after \`${name}\``, () => {
    const project = makeProject(name.replaceAll(/\W+/g, '-'), registry);
    before(() => install(project, registry.url));

    test('the addon of this platform is installed, and no other package', () => {
      const wanted = [thisPlatform()];
      if (ignoresLibc) wanted.push(thisPlatform().replace(/gnu$|musl$/, (libc) => (libc === 'gnu' ? 'musl' : 'gnu')));
      assert.deepEqual(addons(project).toSorted(), wanted.map((platform) => `binding-${platform}`).toSorted());
    });

    for (const host of hosts) {
      test(`the command runs on ${host.id}`, async () => {
        const run = (/** @type {string[]} */ ...args) => runCommand(host, project, args);
        const { version } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
        assert.deepEqual(await run('--version'), { code: 0, output: `${version}\n` });
        const db = ['--db', `${host.id}.db`];
        assert.deepEqual(await run('enable', 'metrics', '--create', ...db), {
          code: 0,
          output: 'metrics is on\nno running program shares the live state; persisted as revision 1\n',
        });
        assert.deepEqual(await run('get', 'metrics', ...db), { code: 0, output: 'on\n' });
        const { checks } = JSON.parse((await run('doctor', '--json')).output);
        assert.equal(checks[0].message, host.finding, 'and on no other runtime');
      });

      for (const [kind, source] of Object.entries(quickStarts())) {
        test(`the README's quick start runs with ${kind} on ${host.id}`, async () => {
          const directory = join(project, `${host.id}-${kind}`);
          mkdirSync(directory);
          const file = join(directory, kind === 'import' ? 'start.mjs' : 'start.cjs');
          writeFileSync(file, source);
          for (const revision of [1, 2]) {
            assert.deepEqual(await runProgram(directory, host.env, [...host.program, file]), {
              code: 0,
              output: `the shop is open\nrevision ${revision}\n`,
            });
          }
        });
      }
    }
  });
}

const missing = `No native addon of 13byte-config for ${process.platform} ${process.arch}`;

describe('without the binding package', () => {
  const project = makeProject('without-binding', registry);
  before(() => npmInstall(project, '--omit=optional'));

  const advice = `${missing}: install it again without omitting optional dependencies`;

  for (const host of runtimes.map(hostOf)) {
    test(`import fails and says what to do on ${host.id}`, async () => {
      const file = join(project, `${host.id}.mjs`);
      writeFileSync(file, "import '13byte-config';\n");
      const { code, output } = await runProgram(project, host.env, [...host.program, file]);
      assert.equal(code, 1);
      assert.ok(output.includes(advice), output);
      assert.match(output, /code: ['"]ERR_BINDING['"]/);
    });

    test(`the command fails and says what to do on ${host.id}`, async () => {
      const { code, output } = await runCommand(host, project, ['doctor']);
      assert.equal(code, 1);
      assert.ok(output.startsWith(`13byte-config: ${advice}`) && output.endsWith('(ERR_BINDING)\n'), output);
    });

    test(`require throws and says what to do on ${host.id}`, async () => {
      const { code, output } = await loadingFails(host, project);
      assert.equal(code, 0);
      assert.ok(output.startsWith(`ConfigError ERR_BINDING: ${advice}`), output);
    });
  }
});

// A directory that was installed on another machine: a laptop's, copied into a container, or one with another C library.
/** @type {[target: string, options: string[]][]} */
const elsewhere = [
  ['darwin-arm64', ['--os=darwin', '--cpu=arm64']],
  ['win32-x64-msvc', ['--os=win32', '--cpu=x64']],
  ['linux-x64-musl', ['--os=linux', '--cpu=x64', '--libc=musl']],
  ['linux-x64-gnu', ['--os=linux', '--cpu=x64', '--libc=glibc']],
];
for (const [target, options] of elsewhere.filter(([name]) => name !== thisPlatform())) {
  describe(`installed for ${target}`, () => {
    const project = makeProject(`installed-for-${target}`, registry);
    before(() => npmInstall(project, ...options));

    for (const host of runtimes.map(hostOf)) {
      test(`it says so on ${host.id}`, async () => {
        const { output } = await loadingFails(host, project);
        const expected = `ConfigError ERR_BINDING: ${missing} (${thisPlatform()}), but one for ${target}. `;
        assert.ok(output.startsWith(expected), output);
      });
    }
  });
}

/**
 * Loads the package of a project, and says how that failed.
 *
 * @param {Host} host
 * @param {string} project
 */
function loadingFails(host, project) {
  const file = join(project, `${host.id}.cjs`);
  writeFileSync(
    file,
    `
      try {
        require('13byte-config');
      } catch ({ name, code, message }) {
        console.log(\`\${name} \${code}: \${message}\`);
      }
    `,
  );
  return runProgram(project, host.env, [...host.program, file]);
}

/**
 * @param {Host} host
 * @param {string} project
 * @param {readonly string[]} args
 */
function runCommand({ command, env }, project, args) {
  return runProgram(project, env, [...command(project, '13byte-config'), ...args]);
}

/** The first program of the README, as it stands there and with `require`. It is told what to open, and says what it wrote. */
function quickStarts() {
  const [, source = ''] = /^```ts\n(.*?)^```$/ms.exec(readFileSync(inRoot('README.md'), 'utf8')) ?? [];
  const statement = "import { createProductionConfig } from '13byte-config';";
  assert.ok(source.includes(statement), 'the first program of the README imports the package');
  const opening = "const openCheckout = () => console.log('the shop is open');";
  const ending = "console.log('revision', (await flags.getHistory(1))[0].revision);\nawait flags.close();";
  const required = source.replace(statement, "const { createProductionConfig } = require('13byte-config');");
  return {
    // Imports come first in a module.
    import: `${source.replace(statement, `${statement}\n${opening}`)}${ending}\n`,
    require: `(async () => {\n${opening}\n${required}${ending}\n})();\n`,
  };
}

/** @param {import('./support/packages.mjs').Packed} packed */
function sizes({ name, size, unpackedSize }) {
  return `${name}: ${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked`;
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
