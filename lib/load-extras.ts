type ExtrasModule = typeof import('./extras');

/** The part of the library that not every program needs, which is a file of its own. */
export function loadExtras(): ExtrasModule {
  return require('./extras.cjs');
}
