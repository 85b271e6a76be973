// @ts-check
// The packed packages, installed into empty projects outside the repository, and used there as the README says.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { allRuntimes } from '../../scripts/lib/runtimes.mjs';
import {
  bunAdd,
  makeProject,
  npmInstall,
  packBinding,
  packRoot,
  runCommand,
  runProgram,
  thisPlatform,
} from './support/packages.mjs';

const { runtimes } = await allRuntimes();
const packed = await packRoot();
const binding = await packBinding();

describe('what is published', () => {
  test('the package holds the facade, its types and its papers', (t) => {
    t.diagnostic(sizes(packed));
    assert.deepEqual(packed.contents, [
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
    assert.ok(packed.size < 180_000, `the package has ${packed.size} bytes`);
  });

  test('the binding package holds the addon', (t) => {
    t.diagnostic(sizes(binding));
    assert.deepEqual(binding.contents, ['README.md', `binding.${thisPlatform()}.node`, 'package.json']);
    assert.ok(binding.size < 4_000_000, `the binding package has ${binding.size} bytes`);
  });
});

/** @type {[command: string, install: typeof npmInstall][]} */
const installers = [
  ['npm install', npmInstall],
  ['bun add', bunAdd],
];
for (const [command, install] of installers) {
  describe(`after \`${command}\``, () => {
    const project = makeProject(command.replace(' ', '-'));
    before(() => install(project, [packed, binding]));

    test('nothing else was installed', () => {
      const modules = join(project, 'node_modules');
      const visible = readdirSync(modules).filter((name) => !name.startsWith('.'));
      assert.deepEqual(visible.toSorted(), ['13byte-config', '@13byte-config']);
      assert.deepEqual(readdirSync(join(modules, '@13byte-config')), [binding.name.split('/')[1]]);
    });

    for (const runtime of runtimes) {
      test(`the command runs on ${runtime.id}`, async () => {
        const version = JSON.parse(readFileSync(inRoot('package.json'), 'utf8')).version;
        assert.deepEqual(await runCommand(runtime, project, ['13byte-config', '--version']), {
          code: 0,
          output: `${version}\n`,
        });
        const db = `${runtime.id}.db`;
        const enable = ['13byte-config', 'enable', 'metrics', '--create', '--db', db];
        assert.deepEqual(await runCommand(runtime, project, enable), {
          code: 0,
          output: 'metrics is on\nno program is running; persisted as revision 1\n',
        });
        assert.deepEqual(await runCommand(runtime, project, ['13byte-config', 'get', 'metrics', '--db', db]), {
          code: 0,
          output: 'on\n',
        });
        const { checks } = JSON.parse(
          (await runCommand(runtime, project, ['13byte-config', 'doctor', '--json'])).output,
        );
        const shown = runtime.name === 'bun' ? 'Bun' : 'Node';
        assert.equal(checks[0].message, `${shown} ${runtime.version} is supported`, 'and on no other runtime');
      });

      for (const [kind, source] of Object.entries(quickStarts())) {
        test(`the README's quick start runs with ${kind} on ${runtime.id}`, async () => {
          const directory = join(project, `${runtime.id}-${kind}`);
          mkdirSync(directory);
          const file = join(directory, kind === 'import' ? 'start.mjs' : 'start.cjs');
          writeFileSync(file, source);
          assert.deepEqual(await runProgram(runtime, file, directory), {
            code: 0,
            output: 'the shop is open\nrevision 1\n',
          });
          assert.deepEqual(await runProgram(runtime, file, directory), {
            code: 0,
            output: 'the shop is open\nrevision 2\n',
          });
        });
      }
    }
  });
}

describe('without the binding package', () => {
  const project = makeProject('without-binding');
  before(() => npmInstall(project, [packed]));

  const advice =
    'No native addon of 13byte-config for ' +
    `${process.platform} ${process.arch}: install it again without omitting optional dependencies`;

  for (const runtime of runtimes) {
    test(`import fails and says what to do on ${runtime.id}`, async () => {
      const file = join(project, `${runtime.id}.mjs`);
      writeFileSync(file, "import '13byte-config';\n");
      const { code, output } = await runProgram(runtime, file, project);
      assert.equal(code, 1);
      assert.ok(output.includes(advice), output);
      assert.match(output, /code: ['"]ERR_BINDING['"]/);
    });

    test(`the command fails and says what to do on ${runtime.id}`, async () => {
      const { code, output } = await runCommand(runtime, project, ['13byte-config', 'doctor']);
      assert.equal(code, 1);
      assert.ok(output.startsWith(`13byte-config: ${advice}`) && output.endsWith('(ERR_BINDING)\n'), output);
    });

    test(`require throws and says what to do on ${runtime.id}`, async () => {
      const file = join(project, `${runtime.id}.cjs`);
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
      const { code, output } = await runProgram(runtime, file, project);
      assert.equal(code, 0);
      assert.ok(output.startsWith(`ConfigError ERR_BINDING: ${advice}`), output);
    });
  }
});

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
