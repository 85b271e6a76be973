/** Limits of arguments of the history's methods, which the command line has as well. */

/** How many revisions one call lists. */
export const MAX_HISTORY_LIMIT = 10_000;

/** How many revisions a pruning can keep. */
export const MAX_KEEP = 2 ** 32 - 1;

/** How many pages a backup can copy in one step. */
export const MAX_PAGES_PER_STEP = 2 ** 31 - 1;

/** A digest as text. */
export const DIGEST = /^[0-9a-f]{64}$/;
