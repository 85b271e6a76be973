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
  'checkout search billing profile editor inbox reports mobile admin onboarding export import teams webhooks audit layout dark beta async cache limits preview'.split(
    ' ',
  );

/** As many names as a config has room for, of two or three words, as product teams have them. */
export const manyNames = Array.from({ length: 256 }, (_, index) => {
  const [first, second, third] = [index % 22, Math.floor(index / 22), (index * 7) % 22].map((place) => WORDS[place]);
  return index % 3 === 0 ? `${first}-${second}` : `${first}-${second}-${third}`;
});
