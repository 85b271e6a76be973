// @ts-check
// What all contestants are asked: the same flags, two of them on, and one that is rolled out to half of all users. This
// module loads nothing, since the time that contestants need to start is measured too.

/** Eight features in turn, as code that asks for many has it. */
export const names = ['debug', 'verbose', 'metrics', 'logging', 'caching', 'compression', 'encryption', 'validation'];

/** @param {string} name */
export const isOn = (name) => name === 'debug' || name === 'metrics';

/** The flag with a rollout, and percent of the users that have it. */
export const ROLLED_OUT = 'beta_feature';
export const PERCENT = 50;

/** Users, by keys of 16 characters. */
export const keys = Array.from({ length: 8 }, (_, i) => `user-${String(i * 1_234_567 + 1).padStart(11, '0')}`);

const WORDS =
  'checkout search billing profile editor inbox reports mobile admin onboarding export import teams webhooks audit layout dark beta async cache limits preview forecast issues panel query timings redirect signups session reset settings persons events message override usage spend dashboards starred reorder project notice training access flow variant batch history control login themes gateway personal replay insight heatmap calendar cookieless server hash interval lineage dependency members trigger doctor bounce page join table version startup program intent surveys adaptive empty hosted translations track memory'.split(
    ' ',
  );

/** As many names as a config has room for, of two to four words, as product teams have them. */
export const manyNames = makeNames(256);

/** @param {number} count */
function makeNames(count) {
  /** @type {Set<string>} */
  const made = new Set();
  // A linear congruential generator (Numerical Recipes), of which the high bits are used.
  let state = 1;
  const below = (/** @type {number} */ end) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
  while (made.size < count) {
    const words = Array.from({ length: 2 + below(3) }, () => WORDS[below(WORDS.length)]);
    made.add(words.join('-'));
  }
  // Literals, as they are in a program's source: engines compare those faster than joined strings.
  return Object.keys(Object.fromEntries([...made].map((name) => [name, true])));
}
