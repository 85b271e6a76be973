// @ts-check
// What the runner and the environment say about a run.
import { tmpdir } from 'node:os';

export const isBun = process.versions.bun !== undefined;

/** Everything is executed and checked, and nothing of the figures is worth reading. */
export const isShort = process.env.BENCH_SHORT === '1';

/** How often each contestant is measured. */
export const rounds = Number(process.env.BENCH_ROUNDS ?? (isShort ? 1 : 5));

/** Where databases and files are put. */
export const directory = process.env.BENCH_DIRECTORY ?? tmpdir();
