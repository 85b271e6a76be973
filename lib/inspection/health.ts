import { messageOf } from '../core/errors';
import { MAX_FEATURES } from '../core/layout';
import type { NativeActivity, NativeFileState, NativeHistoryEnd } from '../native/binding';
import { now, startDeadline } from '../core/real-timers';
import type { Store } from '../native/store';
import type { Health, HealthCheck, HealthCheckName, HealthStatus } from '../types';

/** The input of a health check. */
export interface Patient {
  readonly isClosed: boolean;
  readonly readOnly: boolean;
  readonly store: Store | undefined;
  /** Why the store could not be opened. */
  readonly storeError: Error | undefined;
  /** Why the last automatic persist failed. */
  readonly autoPersistError: Error | undefined;
  readonly isLive: boolean;
  /** How many features have a bit, and what is wrong with those that have none. */
  readonly featureCount: number;
  readonly featureProblems: readonly string[];
  /** Its handle. */
  readonly page: number;
  pageProblems(): string[];
  lostLiveFile(): string | null;
  listeners(): number;
  /** Why other processes cannot notify this one of changes. */
  listeningProblem(): string | undefined;
  /** Why this process cannot notify others of changes. */
  ringingProblem(): string | null;
}

/** The time limit for the store and the file system, in milliseconds. */
const DEADLINE_MS = 1000;

const MIB = 2 ** 20;

/** Free space below which the disk needs attention: 64 MiB. */
const LITTLE_SPACE = 64 * MIB;

/** Free space below which persists are about to fail: 1 MiB. */
const NO_SPACE = MIB;

/** SQLite empties the wal at 4 MiB, unless a reader keeps an old state open. */
const LARGE_LOG = 64 * MIB;

export async function checkHealth(patient: Patient): Promise<Health> {
  const checks: HealthCheck[] = [];
  try {
    if (patient.isClosed) {
      checks.push(check('config', 'failed', 'This config is closed. Create a new one'));
    } else {
      checks.push(checkPage(patient));
      checks.push(checkFeatures(patient));
      const files = patient.store && (await checkDatabase(patient, patient.store));
      if (patient.isLive) checks.push(checkLiveFile(patient, files?.end));
      checks.push(checkListening(patient));
      checks.push(checkStore(patient));
      checks.push(...(files?.checks ?? []));
    }
  } catch (error) {
    checks.push(check('config', 'failed', `The check itself failed: ${messageOf(error)}`));
  }
  return { status: worstOf(checks), checks };
}

function checkPage(patient: Patient): HealthCheck {
  const problems = patient.pageProblems();
  return problems.length === 0
    ? check('page', 'ok', 'The live state is valid')
    : check(
        'page',
        'failed',
        `The live state is not valid: ${problems.join('; ')}. Correct it, or go back with load() or rollback()`,
      );
}

function checkFeatures({ featureCount, featureProblems }: Patient): HealthCheck {
  return featureProblems.length === 0
    ? check('features', 'ok', `${featureCount} of ${MAX_FEATURES} features are registered`)
    : check('features', 'failed', featureProblems.join('. '));
}

function checkLiveFile(patient: Patient, end: NativeHistoryEnd | undefined): HealthCheck {
  const lost = patient.lostLiveFile();
  if (lost === null && end?.pageProblem !== undefined) {
    return check(
      'live-file',
      'failed',
      `The live file was overwritten with an older state: ${end.pageProblem}. load() brings the last persisted state back; ` +
        'persist() keeps what is live now. Find out who restores files under running programs',
    );
  }
  return lost === null
    ? check('live-file', 'ok', 'The live file is in place')
    : check(
        'live-file',
        'failed',
        `The live file ${lost} was deleted or replaced while it is in use: processes that start now do not share this ` +
          'state. Restart all processes that use it',
      );
}

function checkListening(patient: Patient): HealthCheck {
  const listeners = `Listeners for changes: ${patient.listeners()}`;
  const deaf = patient.listeningProblem();
  const mute = patient.ringingProblem();
  if (deaf === undefined && mute === null) return check('listening', 'ok', listeners);
  const found = [listeners];
  if (deaf !== undefined) {
    found.push(`Other processes cannot notify this one of changes, so it polls the state 100 times a second: ${deaf}`);
  }
  if (mute !== null) {
    found.push(`This process cannot notify others of its changes, which they detect within a second: ${mute}`);
  }
  found.push('This is retried every second and at each change');
  return check('listening', 'degraded', found.join('. '));
}

function checkStore({ store, storeError }: Patient): HealthCheck {
  if (store) return check('store', 'ok', `The history is kept in ${store.path}`);
  return storeError
    ? check(
        'store',
        'failed',
        `Nothing is persisted, since the database could not be opened: ${storeError.message}. Fix the cause, then recreate the config`,
      )
    : check('store', 'ok', 'There is no persistPath, so nothing is persisted, as configured');
}

async function checkDatabase(
  patient: Patient,
  store: Store,
): Promise<{ readonly checks: HealthCheck[]; readonly end: NativeHistoryEnd | undefined }> {
  const started = now();
  // One deadline for both answers.
  const deadline = startDeadline(DEADLINE_MS);
  const over = deadline.over.then(() => undefined);
  const late = (work: Promise<Settled>): Promise<Settled | undefined> => Promise.race([work, over]);
  const files = await late(settled('files', () => store.lookAtFiles()));
  // The store refuses the first operation that finds replaced files. That should be a persist, not this check.
  const isReplaced = files?.files?.replaced !== undefined;
  const end = isReplaced ? UNASKED : await late(settled('end', () => store.historyEnd(patient.page)));
  deadline.cancel();
  const waited = Math.round(now() - started);
  const checks = [
    checkThread(store, end, waited),
    checkActivity(patient, store.activity()),
    ...checkFiles(patient, store, files),
    checkChain(end),
  ];
  return { checks, end: end?.end };
}

/** An answer, or the reason for its absence. */
type Settled = { readonly end?: NativeHistoryEnd; readonly files?: NativeFileState; readonly error?: string };

const UNASKED: Settled = { error: 'not asked while files are missing, see database-files' };

async function settled(
  name: 'end' | 'files',
  work: () => Promise<NativeHistoryEnd | NativeFileState>,
): Promise<Settled> {
  try {
    return { [name]: await work() };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

function checkThread({ path }: Store, end: Settled | undefined, waited: number): HealthCheck {
  if (!end) {
    return check(
      'store-thread',
      'failed',
      `The store did not answer within ${DEADLINE_MS} ms, so persists wait as well; flags work. It waits for a process that ` +
        `holds ${path} locked (find it with: fuser -v ${path}), for the disk, or is busy`,
    );
  }
  if (end.error !== undefined)
    return check('store-thread', 'failed', `The store cannot read the database: ${end.error}`);
  return check('store-thread', 'ok', `The store answered within ${waited} ms`);
}

function checkActivity(patient: Patient, { lastPersist, failedAt, failure }: NativeActivity): HealthCheck {
  if (failure) {
    const before =
      lastPersist === undefined ? 'none has succeeded' : `the last one that succeeded was at ${timeOf(lastPersist)}`;
    return check(
      'last-persist',
      'failed',
      `The last persist of this process failed at ${timeOf(failedAt ?? 0)} with ${failure.code}: ${failure.message} (${before})`,
    );
  }
  const { autoPersistError, readOnly } = patient;
  if (autoPersistError)
    return check('last-persist', 'failed', `A change was not persisted: ${autoPersistError.message}`);
  if (readOnly) return check('last-persist', 'ok', 'This config is read-only');
  return check(
    'last-persist',
    'ok',
    lastPersist === undefined
      ? 'This process has persisted nothing yet'
      : `The last persist of this process succeeded at ${timeOf(lastPersist)}`,
  );
}

function checkFiles({ readOnly }: Patient, { path }: Store, settledFiles: Settled | undefined): HealthCheck[] {
  const files = settledFiles?.files;
  if (!files) {
    const why = settledFiles?.error ?? `the file system did not answer within ${DEADLINE_MS} ms`;
    return [check('database-files', 'failed', `The files of ${path} cannot be checked: ${why}`)];
  }
  const { logBytes, freeBytes } = files;
  return [
    checkPlaces(files, readOnly),
    logBytes < LARGE_LOG
      ? check('wal-size', 'ok', `The write-ahead log has ${sizeOf(logBytes)}`)
      : check(
          'wal-size',
          'degraded',
          `The write-ahead log has ${sizeOf(logBytes)}, and should have a few MiB: a program keeps a read transaction open. ` +
            `Find it with: fuser -v ${path}`,
        ),
    checkSpace(path, freeBytes),
  ];
}

function checkPlaces(
  { replaced, split, findings, hasLocksOfProcess }: NativeFileState,
  readOnly: boolean,
): HealthCheck {
  if (replaced !== undefined) {
    return check(
      'database-files',
      'failed',
      `${replaced} was deleted or replaced while the database is open, so persisted revisions may be lost. ` +
        'Find out what does that, persist again, and check the history',
    );
  }
  if (split !== undefined) return check('database-files', 'failed', split);
  const sideFiles = findings.filter(({ name }) => name.startsWith('database-'));
  const obstacle = sideFiles.find(({ status }) => status === 'failed');
  if (obstacle !== undefined && !readOnly)
    return check('database-files', 'failed', `Nothing can be persisted: ${obstacle.message}. ${obstacle.fix}`);
  const useless = sideFiles.find(({ status }) => status === 'degraded');
  if (useless !== undefined) return check('database-files', 'degraded', `${useless.message}. ${useless.fix}`);
  return hasLocksOfProcess
    ? check(
        'database-files',
        'degraded',
        'This system refuses locks of open files, as some sandboxes do, so the database is locked by the process: when any ' +
          'other part of this process closes the file, such as another SQLite or a copy, the lock is lost, and with it what is ' +
          'persisted. Run where these locks are allowed (F_OFD_SETLK), or open the file in no other way',
      )
    : check('database-files', 'ok', 'The database files are in place');
}

function checkSpace(path: string, freeBytes: number | undefined): HealthCheck {
  if (freeBytes === undefined) return check('disk-space', 'ok', 'Free disk space is not known on this platform');
  const found = `${sizeOf(freeBytes)} free at ${path}`;
  if (freeBytes >= LITTLE_SPACE) return check('disk-space', 'ok', found);
  return freeBytes >= NO_SPACE
    ? check('disk-space', 'degraded', `Only ${found}. Free some space soon`)
    : check('disk-space', 'failed', `Only ${found}: persists fail with ERR_DISK_FULL. Free some space`);
}

function checkChain(settledEnd: Settled | undefined): HealthCheck {
  const end = settledEnd?.end;
  if (!end) return check('chain-head', 'degraded', 'The end of the history could not be read: see store-thread');
  if (end.problem !== undefined) {
    return check(
      'chain-head',
      'failed',
      `The history was damaged or tampered with: ${end.problem}. verify() lists all problems; restore a backup if necessary`,
    );
  }
  return check(
    'chain-head',
    'ok',
    end.revision === undefined
      ? 'The history is empty'
      : `The history ends with revision ${end.revision}, as it should`,
  );
}

function check(name: HealthCheckName, status: HealthStatus, message: string): HealthCheck {
  return { name, status, message };
}

function worstOf(checks: readonly HealthCheck[]): HealthStatus {
  if (checks.some(({ status }) => status === 'failed')) return 'failed';
  return checks.some(({ status }) => status === 'degraded') ? 'degraded' : 'ok';
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** Such as `512 bytes`, `38 KiB` or `1,204 MiB`. */
function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < MIB ? `${Math.floor(bytes / 1024)} KiB` : `${Math.floor(bytes / MIB)} MiB`;
}
