// The index that finds names: whatever the list, each name is its own feature, and everything else is unknown.
import assert from 'node:assert/strict';
import { createProductionConfig } from '13byte-config';
import { suite } from './harness/suite.mjs';

const LISTS = 300;

export default suite('names', {
  'each name of any list is a feature of its own, and what is like it is none'(t) {
    const seed = Math.trunc(Math.random() * 2 ** 32);
    const random = randomNumbers(seed);
    for (let list = 0; list < LISTS; list += 1) check(t, randomList(random), `seed ${seed}`);
  },

  'lists whose names hardly differ'(t) {
    check(t, [...'abcdefghijklmnopqrstuvwxyzABCDEF'].map(long));
    check(t, [long('a'), 'a', long('b'), 'b']);
    // By their length alone, the longest there are.
    check(
      t,
      Array.from({ length: 32 }, (_, i) => 'x'.repeat(32 + i)),
    );
    check(
      t,
      Array.from({ length: 32 }, (_, i) => 'x'.repeat(1 + i)),
    );
    // By the last letters, at different lengths.
    check(
      t,
      Array.from({ length: 32 }, (_, i) => `${'feature_'.repeat(1 + (i % 4))}${i}`),
    );
    // The bit that makes a number negative, in a list of its own kind.
    check(t, ['z']);
    // Of one length, that end in numbers; and that three letters do not tell apart.
    const numbers = Array.from({ length: 256 }, (_, i) => String(i).padStart(3, '0'));
    check(
      t,
      numbers.map((number) => `flag_${number}`),
    );
    check(
      t,
      numbers.map((_, i) => `x${[0, 1, 2, 3, 4, 5, 6, 7].map((bit) => 'ab'[(i >> bit) & 1]).join('')}`),
    );
  },

  'a name is found however its string was made'(t) {
    const config = createProductionConfig();
    t.after(() => config.close());
    config.enableFeature('beta_feature');
    const made = [
      ['beta', 'feature'].join('_'),
      `beta_${String('xfeature').slice(1)}`,
      Buffer.from('beta_feature').toString('latin1'),
      'BETA_FEATURE'.toLowerCase(),
      'a beta_feature'.slice(2),
      JSON.parse('"beta\\u005ffeature"'),
    ];
    for (const name of made) {
      assert.equal(config.isFeatureEnabled(name), true);
      assert.equal(config.enableFeature(name), false);
    }
  },

  'what is no string is no name, whatever it looks like'(t) {
    const config = createProductionConfig();
    t.after(() => config.close());
    const pretender = { length: 5, charCodeAt: (i) => 'debug'.charCodeAt(i), toString: () => 'debug' };
    for (const value of [
      undefined,
      null,
      0,
      5n,
      true,
      Symbol('debug'),
      ['debug'],
      new String('debug'),
      pretender,
      () => 'debug',
    ]) {
      for (const call of [
        'isFeatureEnabled',
        'enableFeature',
        'disableFeature',
        'toggleFeature',
        'feature',
        'getRollout',
      ]) {
        assert.throws(() => config[call](value), { name: 'TypeError', code: 'ERR_INVALID_TYPE' });
      }
    }
    assert.equal(config.featureFlags, 0);
  },
});

/** Names that differ in the middle, further from both ends than the index looks. */
function long(letter) {
  return `${'x'.repeat(20)}${letter}${'x'.repeat(20)}`;
}

/** Switches on one after the other, and asks for all of them and for what is like them. */
function check(t, names, origin = 'given') {
  const config = createProductionConfig({ features: names });
  t.after(() => config.close());
  // Of the longest lists, some: each is compared with all.
  const every = Math.ceil(names.length / 32);
  names.forEach((name, bit) => {
    config.enableFeature(name);
    const which = `${name} of ${names}, ${origin}`;
    assert.equal(config.getCore(bit >>> 5).featureFlags, (1 << bit) >>> 0, which);
    if (bit % every === 0) {
      for (const other of names) assert.equal(config.isFeatureEnabled(other), other === name, `${other} for ${which}`);
    }
    config.disableFeature(name);
  });
  const known = new Set(names);
  for (const name of names) {
    for (const other of alike(name)) {
      if (known.has(other)) continue;
      assert.throws(() => config.isFeatureEnabled(other), { code: 'ERR_UNKNOWN_FEATURE' }, `${other}, ${origin}`);
    }
  }
}

function alike(name) {
  const middle = name.length >> 1;
  return [
    '',
    name.slice(1),
    name.slice(0, -1),
    `${name}x`,
    `x${name}`,
    `${name.slice(0, middle)}\u0000${name.slice(middle + 1)}`,
    `${name}\u{1f600}`,
  ];
}

/** Few letters, so that many names share them. */
function randomList(random) {
  const names = new Set();
  const size = 1 + (random() % (random() % 8 === 0 ? 256 : 32));
  const letters = 'ab_-xyzABC09'.slice(0, 2 + (random() % 10));
  while (names.size < size) {
    let name = 'ab'[random() & 1];
    for (let rest = random() % (random() % 4 === 0 ? 63 : 9); rest > 0; rest -= 1)
      name += letters[random() % letters.length];
    names.add(name);
    // A list that is longer than there are such names would never be full.
    if (random() % 1000 === 0) break;
  }
  return [...names];
}

/** Xorshift32 (G. Marsaglia, 2003). */
function randomNumbers(seed) {
  let state = seed || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
