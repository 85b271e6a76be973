import { CommanderError } from 'commander';
import { messageOf, printable } from '../core/errors';
import { PROGRAM } from './program-name';
import { type ExitCode, exitCodeOf } from './exit-codes';

/** An error of the command line, in addition to those of the library. */
export class CliError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.code = code;
  }
}

/** A change that failed, with what is true now. */
export class ChangeError extends CliError {
  /** Whether the change was made all the same; `null` if that is not known. */
  readonly applied: boolean | null;

  /**
   * @param now - What is true now, without a full stop.
   * @param advice - What to do beyond what the cause says, also without one.
   */
  constructor(cause: unknown, now: string, applied: boolean | null, advice?: string) {
    const { code, message } = describe(cause);
    super(code, `${now}: ${message}${advice === undefined ? '' : `. ${advice}`}`, { cause });
    this.name = 'ChangeError';
    this.applied = applied;
  }
}

export function usageError(message: string): CliError {
  return new CliError('ERR_USAGE', message);
}

/** A problem of a document. */
export interface DocumentProblem {
  /** Where, such as `$.environments.production.features.debug.rollout`. */
  readonly path: string;
  /** Line and column, from 1. */
  readonly line: number;
  readonly column: number;
  /** What is wrong. */
  readonly message: string;
}

/** The number of problems that are listed of a document. */
export const MOST_PROBLEMS = 100;

/** A document that cannot be imported, with its problems. */
export class DocumentError extends CliError {
  readonly problems: readonly DocumentProblem[];

  constructor(file: string, found: readonly DocumentProblem[]) {
    const problems = found.toSorted((a, b) => a.line - b.line || a.column - b.column).slice(0, MOST_PROBLEMS);
    const lines = problems.map(({ path, line, column, message }) => `  ${file}:${line}:${column} ${path}: ${message}`);
    const unlisted = found.length > MOST_PROBLEMS ? '\n  and more' : '';
    const count = problems.length === 1 ? 'a problem' : `${unlisted ? 'more than ' : ''}${problems.length} problems`;
    super('ERR_DOCUMENT', `${file} has ${count}. Nothing was changed:\n${lines.join('\n')}${unlisted}`);
    this.name = 'DocumentError';
    this.problems = problems;
  }
}

/** An error as it is reported. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly exitCode: ExitCode;
  /** Whether the change was made all the same; `null` if that is not known. */
  readonly applied: boolean | null;
  /** The problems of a document that cannot be imported. */
  readonly problems?: readonly DocumentProblem[];
}

export function reportOf(error: unknown): ErrorReport {
  const { code, message } = describe(error);
  return {
    code,
    message,
    exitCode: exitCodeOf(code),
    applied: error instanceof ChangeError ? error.applied : false,
    ...(error instanceof DocumentError && { problems: error.problems }),
  };
}

/** The code and the message of an error. */
export function describe(error: unknown): { code: string; message: string } {
  if (error instanceof CommanderError) return { code: 'ERR_USAGE', message: usageMessage(error) };
  if (!(error instanceof Error)) return { code: 'ERR_UNEXPECTED', message: messageOf(error) };
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return { code, message: error.message };
  // All expected errors have a code, so this is a bug: the stack says where.
  return { code: 'ERR_UNEXPECTED', message: error.stack ?? error.message };
}

/** Commander's messages contain what was typed. */
const LONGEST_USAGE = 500;

/** Commander starts each message with `error: ` and puts suggestions on a line of their own. */
function usageMessage({ code, message }: CommanderError): string {
  if (code === 'commander.help') return `No command given. Run ${PROGRAM} --help for a list`;
  return printable(message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' '), LONGEST_USAGE);
}
