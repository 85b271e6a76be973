/** What the program switches. */
export const FEATURES = /** @type {const} */ (['checkout', 'search', 'sale', 'beta']);

/** One for each worker, which flips it as fast as it can. */
export const WORKER_FEATURES = Array.from({ length: 8 }, (_, index) => `worker_${index + 1}`);

export const ALL_FEATURES = [...FEATURES, ...WORKER_FEATURES];
