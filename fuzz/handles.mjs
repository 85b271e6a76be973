// The fuzz target for `attachConfig`: handles that were tampered with or made up. An input is a list of edits of a handle
// that `share()` gave, as JSON, so that it can be kept in `fuzz/corpus/handle`.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attachConfig, createProductionConfig } from '13byte-config';

/** Codes that say that this package failed, and not its caller. */
const OWN_FAULTS = new Set(['ERR_BINDING', 'ERR_PAGE_NOT_OPEN', 'ERR_RUNTIME', 'ERR_STORE_STOPPED']);

const CODES = new Set(
  [...readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8').matchAll(/^\| `(ERR_\w+)`/gm)].map(
    ([, code]) => code,
  ),
);

const KEYS = [
  'type',
  'pageId',
  'environment',
  'features',
  'persistPath',
  'enableClusterSync',
  'clusterName',
  'autoPersistMs',
  'readOnly',
  'buffer',
];

const ON_PURPOSE = 'thrown by the handle itself';

/** What JSON cannot say, by its name in an input: `{ "$": "nan" }`. */
const SPECIAL = {
  nan: () => NaN,
  undefined: () => undefined,
  bigint: () => 1n,
  symbol: () => Symbol('s'),
  function: () => () => 1,
  throwing: () => ({
    toString() {
      throw new Error(ON_PURPOSE);
    },
  }),
  holes: () => Array.from({ length: 3 }).fill('a', 1, 2),
  endless: () => ({ length: 2 ** 32, 0: 'a' }),
  null: () => Object.create(null),
  buffer: () => new ArrayBuffer(128),
  shared: () => new SharedArrayBuffer(16),
  surrogate: () => '\ud800',
  long: () => 'x'.repeat(100_000),
  nul: () => 'a\0b',
};

/**
 * @param {string} directory for the files, empty
 * @returns the function that runs one input, and the one that ends it all
 */
export function prepare(directory) {
  const database = join(directory, 'config.db');
  const paths = {
    '@db': database,
    '@missing': join(directory, 'missing.db'),
    '@directory': join(directory, 'sub'),
    '@text': join(directory, 'text'),
    '@null': '/dev/null',
  };
  mkdirSync(paths['@directory']);
  writeFileSync(paths['@text'], 'a letter to a friend');
  const configs = [
    createProductionConfig({ environment: 'fuzz' }),
    createProductionConfig({ persistPath: database, environment: 'fuzz' }),
    createProductionConfig({ persistPath: database, environment: 'shared', enableClusterSync: true }),
  ];
  const handles = configs.map((config) => config.share());

  const resolve = (value) => {
    if (typeof value === 'string') {
      const page = /^@page([0-2])$/.exec(value);
      return page ? handles[page[1]].pageId : (paths[value] ?? value);
    }
    if (typeof value === 'object' && value !== null && '$' in value) return (SPECIAL[value.$] ?? (() => value))();
    return value;
  };

  /** @returns {string} what became of it: a code, or `attached` */
  function check(input) {
    const { base, edits } = input;
    const handle = { ...handles[base] };
    for (const { op, key, value } of edits) {
      if (op === 'set') define(handle, key, { value: resolve(value) });
      else if (op === 'delete') delete handle[key];
      else if (op === 'fickle') defineFickle(handle, key, resolve(value));
      else if (op === 'throw')
        define(handle, key, {
          get() {
            throw new Error(ON_PURPOSE);
          },
        });
    }
    let outcome = 'attached';
    try {
      use(attachConfig(handle));
    } catch (error) {
      outcome = judge(error);
    }
    // Whatever it was, those that it was shared from go on.
    for (const config of configs) {
      const before = config.isFeatureEnabled('metrics');
      config.toggleFeature('metrics');
      assert.equal(config.isFeatureEnabled('metrics'), !before);
    }
    return outcome;
  }

  return {
    check,
    async end() {
      await Promise.all(configs.map((config) => config.close()));
    },
  };
}

/** Whatever the key has been before; `__proto__` too becomes one like any other. */
function define(handle, key, descriptor) {
  Object.defineProperty(handle, key, { enumerable: true, configurable: true, ...descriptor });
}

/** Another value each time it is looked at. */
function defineFickle(handle, key, value) {
  const values = [Object.getOwnPropertyDescriptor(handle, key)?.value, value];
  let reads = 0;
  define(handle, key, { get: () => values[reads++ % 2] });
}

function judge(error) {
  if (error.message === ON_PURPOSE) return 'its own';
  assert.ok(CODES.has(error.code), `an error without a code of ours: ${error.stack}`);
  assert.ok(!OWN_FAULTS.has(error.code), error.stack);
  assert.ok(error.message.length > 0);
  return error.code;
}

function use(config) {
  try {
    assert.match(config.toHex(), /^0x[0-9a-f]{26}$/);
    assert.ok(Array.isArray(config.validate().errors));
    assert.equal(config.getDebugView().raw.hex, config.toHex());
    for (const name of config.getFeatureNames()) assert.equal(typeof config.isFeatureEnabled(name), 'boolean');
    assert.equal(config.share().pageId.length, 16);
  } finally {
    config.destroy();
  }
}

/**
 * Makes up an input.
 *
 * @param {() => number} random from 0 up to 1
 */
export function makeUp(random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const text = (alphabet, length) => Array.from({ length }, () => pick(alphabet)).join('');
  const values = [
    () => ({ $: pick(Object.keys(SPECIAL)) }),
    () => pick([null, true, false, 0, -0, 1, -1, 1.5, 4_294_967_296, 2 ** 53 + 2, 1e308]),
    () =>
      pick([
        '',
        ' ',
        '13byte-config',
        'fuzz',
        'shared',
        'production',
        '../up',
        'a/b',
        '__proto__',
        'constructor',
        'é',
        '💾',
      ]),
    () => pick(['@page0', '@page1', '@page2', '@db', '@missing', '@directory', '@text', '@null']),
    () => text('0123456789abcdefABCDEFg', pick([0, 15, 16, 16, 16, 17])),
    () =>
      Array.from({ length: pick([0, 1, 2, 11, 32, 33, 500]) }, (_, index) =>
        pick([`f${index}`, `f${index}`, `f${index}`, 'debug', '', 7, null]),
      ),
    () => ({ length: 1, 0: 'a' }),
  ];
  const edit = () => {
    const op = pick(['set', 'set', 'set', 'set', 'delete', 'fickle', 'throw']);
    const key = random() < 0.95 ? pick(KEYS) : pick(['other', '__proto__', 'constructor', 'then']);
    return op === 'set' || op === 'fickle' ? { op, key, value: pick(values)() } : { op, key };
  };
  return { base: pick([0, 1, 2]), edits: Array.from({ length: pick([0, 1, 1, 1, 2, 3, 6]) }, edit) };
}

/** Whether the handle leads to a live file without a database, which is in a directory of the user's. */
export function leavesDirectory({ base, edits }) {
  const touches = (key) => edits.some((edit) => edit.key === key);
  return (
    (touches('persistPath') && (base === 2 || touches('enableClusterSync'))) ||
    (base === 0 && touches('enableClusterSync'))
  );
}

/** A generator of numbers from 0 up to 1 that repeats itself for the same seed (mulberry32). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
