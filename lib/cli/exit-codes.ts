/** The exit code of the process. The numbers are documented in docs/cli.md and never change. */
export const ExitCode = {
  ok: 0,
  /** A failure without a number of its own. */
  failed: 1,
  /** The command line is wrong: an unknown command, option or feature, or a value that is not allowed. */
  usage: 2,
  /** The database, environment, revision or running program does not exist. */
  notFound: 3,
  /** The history, the database or a file that it needs is damaged or was tampered with. */
  integrity: 4,
  /** Another caller persisted in between. */
  conflict: 5,
  /** The command succeeded, but its output could not be written. */
  outputFailed: 6,
  /** Ended by Ctrl-C, SIGINT. */
  interrupted: 130,
  /** Ended by SIGTERM. */
  terminated: 143,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** For the help and the documentation. */
export const EXIT_CODE_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [ExitCode.ok, 'success'],
  [ExitCode.failed, 'failure'],
  [ExitCode.usage, 'wrong usage: unknown command, option or feature, or a value that is not allowed'],
  [ExitCode.notFound, 'not found: no such database, environment or revision, or no program is running'],
  [ExitCode.integrity, 'the database or its history is damaged or was tampered with'],
  [ExitCode.conflict, 'another caller persisted in between'],
  [ExitCode.outputFailed, 'success, but the output could not be written'],
  [ExitCode.interrupted, 'interrupted by Ctrl-C; 143: terminated by SIGTERM'],
];

const BY_ERROR_CODE: { readonly [code: string]: ExitCode } = {
  ERR_USAGE: ExitCode.usage,
  ERR_DOCUMENT: ExitCode.usage,
  ERR_UNKNOWN_FEATURE: ExitCode.usage,
  ERR_INVALID_FEATURE_NAME: ExitCode.usage,
  ERR_TOO_MANY_FEATURES: ExitCode.usage,
  ERR_UNKNOWN_OPTION: ExitCode.usage,
  ERR_INVALID_TYPE: ExitCode.usage,
  ERR_INVALID_VALUE: ExitCode.usage,
  ERR_OUT_OF_RANGE: ExitCode.usage,
  ERR_ENVIRONMENT_NOT_FOUND: ExitCode.notFound,
  ERR_FILE_NOT_FOUND: ExitCode.notFound,
  ERR_NOTHING_TO_PROMOTE: ExitCode.notFound,
  ERR_NOTHING_TO_ROLL_BACK: ExitCode.notFound,
  ERR_NOT_LIVE: ExitCode.notFound,
  ERR_REVISION_NOT_FOUND: ExitCode.notFound,
  ERR_REVISION_PRUNED: ExitCode.notFound,
  ERR_STORE_NOT_FOUND: ExitCode.notFound,
  ERR_FOREIGN_DATABASE: ExitCode.integrity,
  ERR_HISTORY_BROKEN: ExitCode.integrity,
  ERR_NOT_A_DATABASE: ExitCode.integrity,
  ERR_STORE_CORRUPT: ExitCode.integrity,
  ERR_REVISION_CONFLICT: ExitCode.conflict,
  ERR_OUTPUT: ExitCode.outputFailed,
  ERR_INTERRUPTED: ExitCode.interrupted,
  ERR_TERMINATED: ExitCode.terminated,
};

/** The exit code after an error with this code. */
export function exitCodeOf(errorCode: string): ExitCode {
  return BY_ERROR_CODE[errorCode] ?? ExitCode.failed;
}
