// The format of `export` and `import`: whatever a state is, what is written is read again as it was, and what is read agrees
// with the schema.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { build } from 'esbuild';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { makeRandom } from '../children/random.mjs';

const directory = mkdtempSync(join(tmpdir(), '13byte-config-documents-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const { checkDocument, writeDocument } = await load();
const validate = makeSchema();
const { below: random, pick } = makeRandom(13);
const NO_NOTES = new Map();

test('what is written is read again as it was, and conforms to the schema', () => {
  for (let round = 0; round < 500; round += 1) {
    const states = new Map(Array.from({ length: 1 + random(4) }, () => [environmentName(), state()]));
    const notes = new Map(Array.from({ length: random(4) }, () => [featureName(), notesOfFeature()]));
    const text = writeDocument(states, notes);
    const { problems, states: read, notes: readNotes } = checkDocument(text);
    assert.deepEqual(problems, [], text);
    assert.deepEqual(new Map([...read].toSorted()), new Map([...states].toSorted()));
    assert.deepEqual(new Map([...readNotes].toSorted()), new Map([...notes].toSorted()));
    assert.ok(validate(JSON.parse(text)), `${text}\n${JSON.stringify(validate.errors)}`);
    assert.equal(writeDocument(read, readNotes), text, 'the same text');
    const other = new Map([...states].toReversed().map(reversed));
    assert.equal(writeDocument(other, new Map([...notes].toReversed())), text, 'whatever the order was');
  }
});

test('a line has one feature, and a changed feature changes one line', () => {
  for (let round = 0; round < 100; round += 1) {
    const before = state();
    const [name] = Object.keys(before.features);
    if (name === undefined) continue;
    const enabled = !before.features[name].enabled;
    const later = { ...before, features: { ...before.features, [name]: { ...before.features[name], enabled } } };
    const [from, to] = [before, later].map((version) =>
      writeDocument(new Map([['production', version]]), NO_NOTES).split('\n'),
    );
    assert.equal(from.length, to.length);
    assert.equal(from.filter((line, index) => line !== to[index]).length, 1);
  }
});

test('what is damaged has problems where the schema has, each with its place', () => {
  let refused = 0;
  for (let round = 0; round < 2000; round += 1) {
    const value = JSON.parse(
      writeDocument(
        new Map([
          ['production', state()],
          ['staging', state()],
        ]),
        new Map([
          [featureName(), notesOfFeature()],
          [featureName(), notesOfFeature()],
        ]),
      ),
    );
    damage(value);
    const text = JSON.stringify(value, null, 2);
    const { problems } = checkDocument(text);
    // The schema leaves out the steps of a rollout, which floating-point numbers cannot be held against.
    const isFine = validate(value) && everyRollout(value, (rollout) => Math.round(rollout * 100) / 100 === rollout);
    assert.equal(
      problems.length === 0,
      isFine,
      `${text}\n${JSON.stringify(problems)}\n${JSON.stringify(validate.errors)}`,
    );
    for (const { path, line, column, message } of problems) {
      assert.match(path, /^\$/);
      assert.ok(
        message.length > 10 && line >= 1 && line <= text.split('\n').length && column >= 1,
        JSON.stringify(problems),
      );
    }
    if (!isFine) refused += 1;
  }
  assert.ok(refused > 1000, `${refused} were refused`);
});

test('bytes that were changed give problems or a state, and never an error', () => {
  const text = writeDocument(new Map([['production', state()]]), NO_NOTES);
  for (let round = 0; round < 3000; round += 1) {
    const at = random(text.length);
    const [cut, put] = [
      random(4),
      ['', '{', '}', '"', ',', '0', '\u0000', '\uD800', '\\u0061', 'e9', ' /**/ ', '-'][random(12)],
    ];
    const changed = text.slice(0, at) + put + text.slice(at + cut);
    const { problems, states } = checkDocument(changed);
    assert.ok(problems.length > 0 || states.size === 1, changed);
    let parsed;
    try {
      parsed = JSON.parse(changed);
    } catch {
      assert.ok(problems.length > 0, changed);
      continue;
    }
    if (problems.length === 0) assert.deepEqual(Object.keys(parsed), ['format', 'environments']);
  }
});

test('what is no document is refused in a word', () => {
  for (const [text, path, message] of [
    ['', '$', 'is not JSON: value expected'],
    ['{"format": "13byte-config/1",}', '$', 'is not JSON: property name expected'],
    ['{"format": "13byte-config/1" /* why */}', '$', 'is not JSON: invalid comment token'],
    ['[]', '$', 'must be an object, not an array'],
    ['{}', '$', '"format" is missing'],
    ['{"format": "13byte-config/1"}', '$', '"environments" is missing'],
    ['{"format": "13byte-config/1", "environments": {}}', '$.environments', 'must contain at least one environment'],
    [
      '{"format": "13byte-config/1", "Environments": {}}',
      '$.Environments',
      'is not a known property. Did you mean environments?',
    ],
    [
      '{"format": "14byte-config/1", "environments": {}}',
      '$.format',
      'must be "13byte-config/1", not "14byte-config/1"',
    ],
    [
      '{"format": "13byte-config/01", "environments": {}}',
      '$.format',
      'must be "13byte-config/1", not "13byte-config/01"',
    ],
    ['{"format": 1, "environments": {}}', '$.format', 'must be "13byte-config/1", not 1'],
    ['['.repeat(500_000), '$', 'is nested more than 16 levels deep'],
  ]) {
    const { problems, states } = checkDocument(text);
    assert.equal(states.size, 0, text);
    const found = problems.map((/** @type {any} */ problem) => `${problem.path}: ${problem.message}`);
    assert.ok(found.includes(`${path}: ${message}`), `${text}\n${found.join('\n')}`);
  }
  // Of a later format nothing else is told: it would all be wrong.
  const later = checkDocument('{"format": "13byte-config/2", "environments": 7, "new": 1}');
  assert.deepEqual(
    later.problems.map((/** @type {any} */ { path }) => path),
    ['$.format'],
  );
});

/** @returns {Promise<any>} */
async function load() {
  await build({
    stdin: {
      contents: "export * from './document'; export * from './document-check';",
      resolveDir: inRoot('lib', 'cli'),
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: join(directory, 'documents.mjs'),
    mainFields: ['module', 'main'],
    // Only for a version's own needs, and loading it would load the addon.
    external: ['13byte-config'],
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  return import(pathToFileURL(join(directory, 'documents.mjs')).href);
}

function makeSchema() {
  const schemas = new Ajv2020({ strict: true, strictTypes: false, allErrors: true });
  schemas.addSchema(JSON.parse(readFileSync(inRoot('docs', 'schemas', 'export.json'), 'utf8')));
  return /** @type {import('ajv').ValidateFunction} */ (schemas.getSchema('export.json#/$defs/document'));
}

/** @param {any} value */
function damage(value) {
  const nodes = objectsIn(value);
  const node = nodes[random(nodes.length)];
  const keys = Object.keys(node);
  const key = keys[random(keys.length)] ?? 'nothing';
  switch (random(4)) {
    case 0:
      delete node[key];
      break;
    case 1:
      node[['extra', 'Enabled', '', 'a b', '__proto', 'x'.repeat(64), 'fine'][random(7)]] = odd();
      break;
    default:
      node[key] = odd();
  }
}

function odd() {
  const values = [
    null,
    true,
    false,
    0,
    1,
    255,
    256,
    -1,
    1.5,
    100,
    100.01,
    33.333,
    '',
    'raw',
    'production',
    [],
    {},
    [{}],
    { enabled: true, rollout: 5 },
  ];
  return values[random(values.length)];
}

/** @param {any} value */
function objectsIn(value) {
  if (typeof value !== 'object' || value === null) return [];
  return [value, ...Object.values(value).flatMap(objectsIn)];
}

/**
 * @param {any} value
 * @param {(rollout: number) => boolean} check
 */
function everyRollout(value, check) {
  return objectsIn(value).every((node) => typeof node.rollout !== 'number' || check(node.rollout));
}

function state() {
  const names = new Set(Array.from({ length: random(33) }, featureName));
  const features = Object.fromEntries(
    [...names].map((name) => [name, { enabled: random(2) === 1, rollout: random(10_001) / 100 }]),
  );
  return { terminal: { mode: random(4), rows: 1 + random(255), cols: 1 + random(255) }, features };
}

function notesOfFeature() {
  /** @type {[string, string][]} */
  const notes = [
    ['description', `“${word(random(50), 'aZ ü\u202e"\\')}”`],
    ['owner', `team ${word(random(20), 'aZ-')}`],
    ['expires', ['2027-03-01', '2027-03-01T12:00Z', '2027-03-01T12:00:00.5+02:00'][random(3)] ?? ''],
  ];
  return Object.fromEntries(notes.filter(() => random(2) === 1));
}

/** @param {[string, any]} entry */
function reversed([name, { terminal, features }]) {
  return [name, { features: Object.fromEntries(Object.entries(features).toReversed()), terminal }];
}

function featureName() {
  return pick('abcXYZ') + word(random(63), 'aZ09_.-');
}

function environmentName() {
  return pick('aZ09_') + word(random(64), 'aZ09_.-');
}

/**
 * @param {number} length
 * @param {string} letters
 */
function word(length, letters) {
  return Array.from({ length }, () => pick(letters)).join('');
}
