import { checkBoolean, checkInteger, checkKeys, checkSignal, checkString } from '../core/checks';
import { makeError, show } from '../core/errors';
import { DIGEST, MAX_KEEP, MAX_PAGES_PER_STEP } from '../core/limits';
import { native, type NativeBreach, type NativeVerification } from '../native/binding';
import type { Page } from '../core/page';
import type { Store } from '../native/store';
import type {
  BackupOptions,
  BackupResult,
  HistoryBreach,
  PruneOptions,
  PruneResult,
  Verification,
  VerifyOptions,
  WorkProgress,
} from '../types';

export async function pruneHistory(
  store: Store,
  { handle }: Page,
  options: PruneOptions,
  checkActor: (actor: unknown) => string,
): Promise<PruneResult> {
  const given = checkKeys(options, 'options', ['keep', 'actor', 'onProgress', 'signal']);
  const keep = checkInteger(given['keep'], 'keep', 1, MAX_KEEP);
  const actor = checkActor(given['actor']);
  let removed = 0;
  return await store.whileOpen(() =>
    inSlices(checkWork(given), async () => {
      const { done, total, hasEnded, kept, oldest = null, head, freeBytes } = await store.prune(handle, keep, actor);
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

const DEFAULT_PAGES_PER_STEP = 256;

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
      // Either way, nothing is left of it when the promise settles.
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

/** Requests slices until one has the result. After an abort it throws the signal's reason, unless the result exists. */
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
  if (!DIGEST.test(digest)) {
    throw makeError(
      'ERR_INVALID_VALUE',
      `Invalid expectedHead: ${show(digest)} (must be 64 lower-case hexadecimal digits)`,
    );
  }
  return digest.match(/../g)!.map((byte) => Number.parseInt(byte, 16));
}

function toVerification({ revisions, environments, breaches }: NativeVerification, own: string): Verification {
  // The sort is stable, so problems of one revision keep their order. Those without a revision come last.
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
