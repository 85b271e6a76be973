import { CommanderError } from 'commander';
import { PROGRAM } from './command';
import type { DocumentProblem } from './document-check';
import { ExitCode, exitCodeOf } from './exit-codes';

/** An error of the command line, beside those of the library: what failed, and what to do. */
export class CliError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.code = code;
  }
}

/** The change was made in the live state, which running programs have at once; the database does not have it. */
export class NotPersistedError extends CliError {
  constructor(cause: unknown) {
    const { code, message } = describe(cause);
    super(code, `The change is live, but it was not persisted: ${message}`, { cause });
    this.name = 'NotPersistedError';
  }
}

export function usageError(message: string): CliError {
  return new CliError('ERR_USAGE', message);
}

/** A document that cannot be imported, with everything that is wrong with it. */
export class DocumentError extends CliError {
  readonly problems: readonly DocumentProblem[];

  constructor(file: string, found: readonly DocumentProblem[]) {
    const problems = found.toSorted((a, b) => a.line - b.line || a.column - b.column);
    const lines = problems.map(({ path, line, column, message }) => `  ${file}:${line}:${column} ${path}: ${message}`);
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super('ERR_DOCUMENT', `${file} has ${count}, so nothing was changed:\n${lines.join('\n')}`);
    this.name = 'DocumentError';
    this.problems = problems;
  }
}

/** What is told of an error. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly exitCode: ExitCode;
  /** Whether the live state was changed all the same. */
  readonly applied: boolean;
  /** What is wrong with a document that was to be imported. */
  readonly problems?: readonly DocumentProblem[];
}

export function reportOf(error: unknown): ErrorReport {
  const { code, message } = describe(error);
  const applied = error instanceof NotPersistedError;
  return {
    code,
    message,
    exitCode: applied ? ExitCode.notPersisted : exitCodeOf(code),
    applied,
    ...(error instanceof DocumentError && { problems: error.problems }),
  };
}

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof CommanderError) return { code: 'ERR_USAGE', message: usageMessage(error) };
  if (!(error instanceof Error)) return { code: 'ERR_UNEXPECTED', message: String(error) };
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return { code, message: error.message };
  // Nothing of ours throws without a code, so this is a fault of this program, to be reported with its place.
  return { code: 'ERR_UNEXPECTED', message: error.stack ?? error.message };
}

/** Commander starts each message with `error: ` and puts suggestions on a line of their own. */
function usageMessage({ code, message }: CommanderError): string {
  if (code === 'commander.help') return `Which command? ${PROGRAM} --help lists them`;
  return message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
}
