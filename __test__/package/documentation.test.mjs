// @ts-check
// What the documentation shows exists: its code compiles against the published types, its links lead somewhere, and its
// commands have the options that it gives them.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { after, test } from 'node:test';
import { inRoot, root, tool } from '../../scripts/lib/paths.mjs';
import { run } from '../../scripts/lib/process.mjs';
import { thisNode } from '../../scripts/lib/runtimes.mjs';

const pages = ['.', 'docs', 'docs/decisions', 'examples', 'bench', '.github'].flatMap((folder) =>
  readdirSync(inRoot(folder))
    .filter((name) => name.endsWith('.md'))
    .toSorted()
    .map((name) => join(folder, name)),
);
// Below the root, so that the package and its development dependencies are found by their names.
const directory = mkdtempSync(inRoot('__test__', 'package', '.documentation-'));
after(() => rmSync(directory, { recursive: true, force: true }));

/** What the examples take for granted. An example that declares one of these itself has its own. */
const ambient = `
import type { ConfigState, DefaultFeature, ProductionConfig } from '13byte-config';
declare global {
  const config: ProductionConfig<DefaultFeature | 'checkout' | 'search'>;
  const flags: typeof config;
  const user: { id: string };
  const signal: AbortSignal;
  const mask: number;
  const text: string;
  const lastKnownHead: string;
  const request: import('node:http').IncomingMessage;
  const response: import('node:http').ServerResponse;
  function openCheckout(): void;
  function showSearch(): void;
  function alarm(problem: unknown): void;
  function apply(change: unknown): void;
  function deploy(config: object): Promise<void>;
  function expectClosedShop(config: object): void;
  function review(history: object): Promise<void>;
  function render(user: { id: string }): Promise<string>;
  const assert: typeof import('node:assert/strict');
  const after: typeof import('node:test').after;
  const createProductionConfig: typeof import('13byte-config').createProductionConfig;
  const ConfigCore13Byte: typeof import('13byte-config').ConfigCore13Byte;
  const createTestConfig: typeof import('13byte-config/testing').createTestConfig;
  const override: typeof import('13byte-config/testing').override;
  const withOverrides: typeof import('13byte-config/testing').withOverrides;
}
`;

/** Test runners, bundlers and what is migrated from, which are installed elsewhere if at all, and what Node 20 lacks. */
const elsewhere =
  'vitest bun:test webpack rollup vite @rollup/* unleash-client @growthbook/growthbook config node:sqlite'.split(' ');

test('code compiles against the published types', async () => {
  writeFileSync(join(directory, 'ambient.d.mts'), ambient);
  writeFileSync(join(directory, 'elsewhere.d.ts'), elsewhere.map((name) => `declare module '${name}';\n`).join(''));
  const blocks = pages.flatMap((page) => blocksOf(page, ['js', 'ts']));
  assert.ok(blocks.length > 30, `only ${blocks.length} blocks were found`);
  const shown = new Map(
    blocks.map(({ page, line, language, code }, index) => {
      // Those in JavaScript are held to less: their parameters have no types.
      const file = `block-${index}.m${language}`;
      writeFileSync(join(directory, file), `${code}\nexport {};\n`);
      return [file, { page, line }];
    }),
  );
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({
      extends: relative(directory, inRoot('tsconfig.json')),
      compilerOptions: {
        checkJs: true,
        strict: false,
        exactOptionalPropertyTypes: false,
        noUnusedLocals: false,
        noUnusedParameters: false,
        noImplicitReturns: false,
        skipLibCheck: true,
      },
      include: ['*'],
    }),
  );
  const { ok, output } = await run(
    process.execPath,
    [tool('typescript/bin/tsc'), '--project', directory, '--pretty', 'false'],
    {
      timeoutMs: 120_000,
    },
  );
  const problems = output.replaceAll(/^(?:.*\/)?(block-\d+\.m[jt]s)\((\d+),(\d+)\)/gm, (_, file, line, column) => {
    const block = shown.get(file);
    return block ? `${block.page}:${block.line + Number(line)}:${column}` : file;
  });
  assert.ok(ok, problems);
});

test('links lead to files and headings that exist', () => {
  const anchors = new Map(pages.map((page) => [page, anchorsOf(page)]));
  const broken = pages.flatMap((page) => {
    const prose = read(page).replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, '');
    return [...prose.matchAll(/\]\(([^()\s]+)\)/g)]
      .map(([, link = '']) => link)
      .filter((link) => {
        if (/^[a-z]+:/.test(link)) return false;
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? page : relative(root, join(root, dirname(page), path));
        if (!existsSync(inRoot(target))) return true;
        return anchor !== undefined && anchors.has(target) && !anchors.get(target)?.has(anchor);
      })
      .map((link) => `${page}: ${link}`);
  });
  assert.deepEqual(broken, []);
});

test('npm scripts and files of the repository that are named exist', () => {
  const { scripts } = JSON.parse(read('package.json'));
  const missing = pages
    .filter((page) => page !== 'CHANGELOG.md')
    .flatMap((page) => {
      const text = read(page);
      const runs = [...text.matchAll(/npm run ([a-z][a-z:-]*)/g)]
        .map(([, name = '']) => name)
        .filter((name) => !(name in scripts));
      const paths = [
        ...text.matchAll(/`((?:src|lib|scripts|__test__|docs|bench|examples|fuzz|soak|npm|types)\/[\w./-]+\.[a-z]+)`/g),
      ]
        .map(([, path = '']) => path)
        .filter((path) => !existsSync(inRoot(path)));
      return runs
        .map((name) => `npm run ${name}`)
        .concat(paths)
        .map((problem) => `${page}: ${problem}`);
    });
  assert.deepEqual(missing, []);
});

test('commands have the options that they are shown with', async () => {
  const calls = pages.flatMap((page) =>
    read(page)
      .split('\n')
      .flatMap((line, index) =>
        // In a block a call ends with the line, in a sentence with its backtick.
        [...line.matchAll(/(?<=^|[\s`])13byte-config ([a-z]+)([^#|&>`\n]*)/g)].map(([, name = '', rest = '']) => ({
          at: `${page}:${index + 1}`,
          name,
          options: [...rest.matchAll(/(?<=\s)--[a-z-]+/g)].map(([option]) => option),
        })),
      ),
  );
  assert.ok(calls.length > 5, `only ${calls.length} calls were found`);
  const help = new Map();
  const wrong = [];
  for (const { at, name, options } of calls) {
    if (!help.has(name)) {
      const { ok, output } = await run(thisNode().path, [inRoot('dist', 'cli.cjs'), name, '--help'], {
        timeoutMs: 30_000,
      });
      help.set(name, ok ? output : undefined);
    }
    const text = help.get(name);
    if (text === undefined) wrong.push(`${at}: there is no command ${name}`);
    else wrong.push(...options.filter((option) => !text.includes(option)).map((option) => `${at}: ${name} ${option}`));
  }
  assert.deepEqual(wrong, []);
});

/** @param {string} page */
function read(page) {
  return readFileSync(inRoot(page), 'utf8');
}

/**
 * The fenced blocks of these languages, each with the line of its fence.
 *
 * @param {string} page
 * @param {readonly string[]} languages
 */
function blocksOf(page, languages) {
  const text = read(page);
  return [...text.matchAll(/^( *)```([a-z]+)\n([\s\S]*?)^ *```$/gm)]
    .filter(([, , language = '']) => languages.includes(language))
    .map(({ 2: language = '', 3: code = '', index }) => ({
      page,
      language,
      code,
      line: text.slice(0, index).split('\n').length,
    }));
}

/**
 * As GitHub makes them of headings.
 *
 * @param {string} page
 */
function anchorsOf(page) {
  const headings = read(page)
    .replaceAll(/```[\s\S]*?```/g, '')
    .matchAll(/^#+ (.*)$/gm);
  const seen = new Map();
  return new Set(
    Array.from(headings, ([, heading = '']) => {
      const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('\\', '');
      const anchor = plain
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-');
      const count = seen.get(anchor) ?? 0;
      seen.set(anchor, count + 1);
      return count === 0 ? anchor : `${anchor}-${count}`;
    }),
  );
}
