// @ts-check
// What a TypeScript user has of the packed package, in each of the ways that TypeScript resolves modules.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { inRoot, tool } from '../../scripts/lib/paths.mjs';
import { run } from '../../scripts/lib/process.mjs';
import { thisNode } from '../../scripts/lib/runtimes.mjs';
import { environmentOf, makeProject, npmInstall, publish, runProgram } from './support/packages.mjs';

const { registry } = await publish();
const project = makeProject('types', registry);
before(() => npmInstall(project));

const program = `
const config = createProductionConfig({ features: ['checkout', 'search'], environment: 'production' });
const changed: boolean = config.enableFeature('checkout');
const names: ('checkout' | 'search')[] = config.getEnabledFeatures();
const dimensions: string = config.getDebugView().terminal.dimensions;
const answer: Promise<HistoryEntry> = config.persist('checkout for everyone');
answer.catch((error: ConfigError) => console.log(changed, names, dimensions, error.code));
`;
const printed = "true [ 'checkout' ] 24x80 ERR_PERSISTENCE_DISABLED\n";

const mistakes = `
createProductionConfig().enableFeature('debgu');
createProductionConfig({ features: ['checkout', 'search'] }).enableFeature('debug');
createProductionConfig({ presistPath: './config.db' });
`;
const complaints = [
  /^wrong\.[cm]ts\(3,.* TS2345: Argument of type '"debgu"' is not assignable to parameter of type /,
  /^wrong\.[cm]ts\(4,.* TS2345: Argument of type '"debug"' is not assignable to parameter of type /,
  /^wrong\.[cm]ts\(5,.* TS2561: .* 'presistPath' does not exist in type .* Did you mean to write 'persistPath'/,
];

const esm = "import { createProductionConfig, type ConfigError, type HistoryEntry } from '13byte-config';";
const cjs = `
import config13 = require('13byte-config');
import type { ConfigError, HistoryEntry } from '13byte-config';
const { createProductionConfig } = config13;
`;

const files = {
  'main.mts': esm + program,
  'main.cts': cjs + program,
  'wrong.mts': `import { createProductionConfig } from '13byte-config';\n${mistakes}`,
  'wrong.cts': `import { createProductionConfig } from '13byte-config';\n${mistakes}`,
};

/** Each compiles an ES module and a CommonJS module. */
const resolutions = {
  node16: { module: 'node16' },
  nodenext: { module: 'nodenext' },
  bundler: { module: 'preserve', moduleResolution: 'bundler' },
};

for (const [name, options] of Object.entries(resolutions)) {
  describe(`TypeScript with ${name}`, () => {
    const directory = join(project, name);
    /** @type {string[]} */
    let errors = [];
    before(async () => {
      errors = await compile(directory, options);
    });

    test('finds the types, and needs no others', () => {
      assert.deepEqual(
        errors.filter((line) => !line.startsWith('wrong.')),
        [],
      );
    });

    for (const module of ['main.mjs', 'main.cjs']) {
      test(`makes a ${module} that runs`, async () => {
        const ran = await runProgram(directory, environmentOf(thisNode()), [process.execPath, join(directory, module)]);
        assert.deepEqual(ran, { code: 0, output: printed });
      });
    }

    for (const file of ['wrong.mts', 'wrong.cts']) {
      test(`refuses misspelt features and options in ${file}`, () => {
        const found = errors.filter((line) => line.startsWith(file));
        assert.equal(found.length, complaints.length, errors.join('\n'));
        complaints.forEach((complaint, index) => assert.match(found[index] ?? '', complaint));
      });
    }
  });
}

test('the examples compile', async () => {
  const { code, output } = await tsc(['--project', inRoot('examples')], inRoot());
  assert.deepEqual({ code, output }, { code: 0, output: '' });
});

/**
 * Compiles the modules in a directory of its own below the project, where there is nothing but the package.
 *
 * @param {string} directory
 * @param {object} options of the compiler
 * @returns {Promise<string[]>} what it complains about, sorted by file and line
 */
async function compile(directory, options) {
  mkdirSync(directory);
  for (const [file, source] of Object.entries(files)) writeFileSync(join(directory, file), source);
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2022', 'dom'],
    types: [],
    strict: true,
    skipLibCheck: false,
    ...options,
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  const { output } = await tsc(['--project', '.', '--pretty', 'false'], directory);
  return output
    .split('\n')
    .filter((line) => line.includes(': error TS'))
    .toSorted();
}

/**
 * @param {readonly string[]} args
 * @param {string} cwd
 */
function tsc(args, cwd) {
  return run(process.execPath, [tool('typescript/bin/tsc'), ...args], { cwd, timeoutMs: 120_000 });
}
