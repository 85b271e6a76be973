/**
 * The only module that uses the native binding. Everything here is cold: reads and flips never call it.
 */
import { loadAddon } from './addon';
import { type ErrorCode, makeError, messageOf, printable } from '../core/errors';

export type {
  NativeActivity,
  NativeAnswer,
  NativeBackup,
  NativeBackupProgress,
  NativeBreach,
  NativeConfigMetrics,
  NativeDeclaration,
  NativeEnvironments,
  NativeFailure,
  NativeFileState,
  NativeFormer,
  NativeGiven,
  NativeHistoryEnd,
  NativeLag,
  NativeNotes,
  NativePage,
  NativePruneProgress,
  NativeRetired,
  NativeRevision,
  NativeStartup,
  NativeState,
  NativeStore,
  NativeStoreMetrics,
  NativeSubscription,
  NativeSummary,
  NativeVerification,
  NativeVerifier,
  NativeVerifyProgress,
} from '../../native/binding.js';
import type { NativeFailure } from '../../native/binding.js';

const binding = loadAddon();

/** Of what the runtime says. */
const LONGEST_REASON = 500;

/** The binding, with its errors converted to those of this package. */
export const native = {
  adoptPage: guard(binding.adoptPage),
  checkFeatures: guard(binding.checkFeatures),
  checkFiles: guard(binding.checkFiles),
  chunkBuffer: guard(binding.chunkBuffer),
  editPage: guard(binding.editPage),
  hasSharedBuffers: binding.hasSharedBuffers,
  isValidEnvironment: guard(binding.isValidEnvironment),
  lostLiveFile: guard(binding.lostLiveFile),
  metricsText: guard(binding.metricsText),
  nameIndex: guard(binding.nameIndex),
  newBackup: guard(
    (path: string, overwrite: boolean, pagesPerStep: number) => new binding.NativeBackup(path, overwrite, pagesPerStep),
  ),
  newLag: guard(() => new binding.NativeLag()),
  newVerifier: guard(
    (environment: string, expectedHead?: number[]) => new binding.NativeVerifier(environment, expectedHead),
  ),
  offerPage: guard(binding.offerPage),
  openClusterPage: guard(binding.openClusterPage),
  openPrivatePage: guard(binding.openPrivatePage),
  openStore: guard((path: string, readOnly: boolean, mustExist: boolean) =>
    binding.NativeStore.open(path, readOnly, mustExist),
  ),
  pageBuffer: guard(binding.pageBuffer),
  pageFeatures: guard(binding.pageFeatures),
  pageId: guard(binding.pageId),
  pageProblems: guard(binding.pageProblems),
  pageState: guard(binding.pageState),
  releasePage: guard(binding.releasePage),
  ringingProblem: guard(binding.ringingProblem),
  userName: guard(binding.userName),
  // Not wrapped: only a bug of this package makes it fail, and every notification calls it.
  wakePage: binding.wakePage,
  watchPage: guard(binding.watchPage),
};

/** Wraps a native function so that it throws this package's error classes, with the caller on the stack. */
export function guard<Arguments extends unknown[], Result>(
  call: (...args: Arguments) => Result,
): (...args: Arguments) => Result {
  return (...args) => {
    try {
      return call(...args);
    } catch (error) {
      throw fromNative(error);
    }
  };
}

/** The result of a native operation; throws the error it failed with. */
export function resultOf<Outcome extends object>(outcome: NativeFailure | Outcome): Outcome {
  if (isFailure(outcome)) throw makeError(outcome.code as ErrorCode, outcome.message);
  return outcome;
}

/** The same when it is there. */
export async function settle<Outcome extends object>(reply: Promise<NativeFailure | Outcome>): Promise<Outcome> {
  return resultOf(await reply);
}

function isFailure(outcome: object): outcome is NativeFailure {
  return 'code' in outcome;
}

function fromNative(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'string' && code.startsWith('ERR_')
    ? makeError(code as ErrorCode, String(message))
    : makeError('ERR_RUNTIME', `The native addon failed: ${printable(messageOf(error), LONGEST_REASON)}`, error);
}
