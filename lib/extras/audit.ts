import { checkBoolean, checkInteger, checkKeys, checkSignal, checkString } from '../checks';
import { makeError, show } from '../errors';
import { native, type NativeBreach, type NativeVerification } from '../native';
import type { Store } from '../store';

/** How far work on the database has come. */
export interface WorkProgress {
  /** How much is done: revisions, or pages of a backup. */
  readonly done: number;
  /** Of how much. It may grow while the work goes on. */
  readonly total: number;
}

/** What long work on the database takes. */
export interface WorkOptions {
  /** Called after each slice of the work. What it throws ends the work, and is what the promise rejects with. */
  onProgress?: ((progress: WorkProgress) => void) | undefined;
  /** Ends the work early; the promise then rejects with the reason of the signal. */
  signal?: AbortSignal | undefined;
}

/** What {@link ProductionConfig.verify} takes. */
export interface VerifyOptions extends WorkOptions {
  /**
   * A digest of this environment that was kept elsewhere: `head` of an earlier check, or `digest` of a revision. The
   * chain must contain it.
   */
  expectedHead?: string | undefined;
}

/** Something that is wrong with the history. */
export interface HistoryBreach {
  /** The revision it was found at; `null` when it concerns none, or the file as a whole. */
  readonly revision: number | null;
  /** The environment of that revision; `null` when it is not known. */
  readonly environment: string | null;
  /** What is wrong. */
  readonly problem: string;
}

/** What {@link ProductionConfig.verify} found. */
export interface Verification {
  /** Whether nothing is wrong. */
  readonly ok: boolean;
  /** How many revisions were checked, of all environments of the file. */
  readonly revisions: number;
  /**
   * The digest at the end of this environment's chain, `null` while there is none. Keep it elsewhere, and hand it in as
   * `expectedHead` later.
   */
  readonly head: string | null;
  /** The chain of every environment of the file, by name. */
  readonly environments: readonly VerifiedEnvironment[];
  /** The first revision that is broken, if one is. */
  readonly firstBroken?: HistoryBreach;
  /** Everything that is wrong, revisions first, in their order; at most 101. */
  readonly problems: readonly HistoryBreach[];
}

/** The chain of one environment. */
export interface VerifiedEnvironment {
  /** Its name. */
  readonly environment: string;
  /** How many revisions it has. */
  readonly revisions: number;
  /** How many more it had, before they were pruned. */
  readonly pruned: number;
  /** The digest at its end. */
  readonly head: string;
}

/** What {@link ProductionConfig.prune} takes. */
export interface PruneOptions extends WorkOptions {
  /** How many of the newest revisions of this environment stay, 1 or more. */
  keep: number;
  /** Who is recorded, up to 255 characters. Default: the `actor` of the config. */
  actor?: string | undefined;
}

/** What {@link ProductionConfig.prune} has done. */
export interface PruneResult {
  /** How many revisions were removed. */
  readonly removed: number;
  /** How many are left in this environment. */
  readonly kept: number;
  /** The oldest one that is left; `null` when there is none. */
  readonly oldest: number | null;
  /** The digest at the end of the chain, which is new if anything was removed; `null` when the environment is empty. */
  readonly head: string | null;
  /** Bytes of the file that are free for later revisions. The file does not get smaller. */
  readonly freeBytes: number;
}

export async function pruneHistory(
  store: Store,
  options: PruneOptions,
  checkActor: (actor: unknown) => string,
): Promise<PruneResult> {
  const given = checkKeys(options, 'options', ['keep', 'actor', 'onProgress', 'signal']);
  const keep = checkInteger(given['keep'], 'keep', 1, MAX_KEEP);
  const actor = checkActor(given['actor']);
  let removed = 0;
  return await store.whileOpen(() =>
    inSlices(checkWork(given), async () => {
      const { done, total, hasEnded, kept, oldest = null, head, freeBytes } = await store.prune(keep, actor);
      const left = total - done;
      removed += done;
      return {
        done: removed,
        total: removed + left,
        result: hasEnded ? { removed, kept, oldest, head: oldest === null ? null : head, freeBytes } : undefined,
      };
    }),
  );
}

const MAX_KEEP = 2 ** 32 - 1;

/** What {@link ProductionConfig.backup} takes. */
export interface BackupOptions extends WorkOptions {
  /** Whether an existing file is replaced. Default: `false`, and `ERR_BACKUP` when there is one. */
  overwrite?: boolean | undefined;
  /** How many pages of the database are copied before persists have their turn. Default 256, which is 1 MiB. */
  pagesPerStep?: number | undefined;
}

/** What {@link ProductionConfig.backup} has made. */
export interface BackupResult {
  /** The file, absolute. */
  readonly path: string;
  /** Its size. */
  readonly bytes: number;
  /** How many revisions it has, of all environments. */
  readonly revisions: number;
}

const DEFAULT_PAGES_PER_STEP = 256;
const MAX_PAGES_PER_STEP = 2 ** 31 - 1;

export async function backUpDatabase(store: Store, path: string, options: BackupOptions): Promise<BackupResult> {
  const given = checkKeys(options, 'options', ['overwrite', 'pagesPerStep', 'onProgress', 'signal']);
  const { overwrite = false, pagesPerStep = DEFAULT_PAGES_PER_STEP } = given;
  const work = checkWork(given);
  const backup = native.newBackup(
    path,
    checkBoolean(overwrite, 'overwrite'),
    checkInteger(pagesPerStep, 'pagesPerStep', 1, MAX_PAGES_PER_STEP),
  );
  return await store.whileOpen(async () => {
    try {
      return await inSlices(work, async () => {
        const { outcome, ...progress } = await store.backUp(backup);
        return { ...progress, result: outcome };
      });
    } catch (error) {
      // However it ended, nothing is left of it when the promise settles.
      backup.cancel();
      await store.backUp(backup).catch(() => {});
      throw error;
    }
  });
}

export async function verifyHistory(store: Store, options: VerifyOptions): Promise<Verification> {
  const given = checkKeys(options, 'options', ['expectedHead', 'onProgress', 'signal']);
  const expected = given['expectedHead'] === undefined ? undefined : checkDigest(given['expectedHead']);
  const work = checkWork(given);
  const verifier = store.verifier(expected);
  return await store.whileOpen(() =>
    inSlices(work, async () => {
      const { outcome, ...progress } = await store.verify(verifier);
      return { ...progress, result: outcome && toVerification(outcome, store.environment) };
    }),
  );
}

interface Work {
  readonly onProgress: ((progress: WorkProgress) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

export function checkWork({ onProgress, signal }: Record<string, unknown>): Work {
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw makeError('ERR_INVALID_TYPE', `Invalid onProgress: ${show(onProgress)} (must be a function)`);
  }
  return { onProgress: onProgress as Work['onProgress'], signal: checkSignal(signal) };
}

/** Asks for slices until one has the result. Whoever aborts gets that reason, unless the result is there already. */
export async function inSlices<T>(
  { onProgress, signal }: Work,
  next: () => Promise<WorkProgress & { result: T | undefined }>,
): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    const { done, total, result } = await next();
    onProgress?.({ done, total });
    if (result !== undefined) return result;
  }
}

function checkDigest(value: unknown): number[] {
  const digest = checkString(value, 'expectedHead');
  if (!/^[0-9a-f]{64}$/.test(digest)) {
    throw makeError('ERR_INVALID_VALUE', `Invalid expectedHead: ${show(digest)} (must be 64 lower-case hexadecimal digits)`);
  }
  return digest.match(/../g)!.map((byte) => Number.parseInt(byte, 16));
}

function toVerification({ revisions, environments, breaches }: NativeVerification, own: string): Verification {
  // A sort keeps what was found first of a revision first. What concerns no revision comes last.
  const problems = breaches.map(toBreach).toSorted((a, b) => (a.revision ?? Infinity) - (b.revision ?? Infinity) || 0);
  const firstBroken = problems.find(({ revision }) => revision !== null);
  return {
    ok: problems.length === 0,
    revisions,
    head: environments.find(({ environment }) => environment === own)?.head ?? null,
    environments: environments.toSorted((a, b) => (a.environment < b.environment ? -1 : 1)),
    ...(firstBroken && { firstBroken }),
    problems,
  };
}

function toBreach({ revision, environment, problem }: NativeBreach): HistoryBreach {
  return { revision: revision ?? null, environment: environment ?? null, problem };
}
