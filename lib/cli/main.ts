/**
 * `13byte-config`, the command line. It uses the public API, and the pure modules of the core.
 */
import { PROGRAM } from './program-name';
import { escapeUnseen, messageOf, printable } from '../core/errors';
import { CliError, reportOf } from './errors';
import { ExitCode } from './exit-codes';
import { asksForJson } from './options';
import { colorsOf, jsonText, Output } from './output';

process.exitCode = 0;
process.stdout.on('error', outputFailed);
// There is nowhere left to report that, and the command continues.
process.stderr.on('error', () => {});
void main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  try {
    // Imported here, so that a missing addon is reported like any other error.
    const { run } = await import('./run.js');
    await run(args, (code) => {
      process.exitCode = code;
    });
  } catch (error) {
    report(error, asksForJson(args));
  }
}

function report(error: unknown, json: boolean): void {
  const { exitCode, ...reported } = reportOf(error);
  process.exitCode = exitCode;
  print(reported, json);
}

function print(reported: Omit<ReturnType<typeof reportOf>, 'exitCode'>, json: boolean): void {
  if (json) {
    process.stderr.write(`${jsonText({ error: reported })}\n`);
  } else {
    const { red, dim } = colorsOf(process.stderr);
    // No message may control the terminal. The problems of a document have a line each.
    const message = reported.message.split('\n').map(escapeUnseen).join('\n');
    process.stderr.write(`${red(`${PROGRAM}:`)} ${message} ${dim(`(${reported.code})`)}\n`);
  }
}

let hasOutputFailed = false;

/**
 * The result could not be written, for example because the disk is full. It is written last, so the command has succeeded
 * otherwise, and the exit code says so. A reader such as `head` may also have closed the pipe, which is no failure.
 */
function outputFailed(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  if (hasOutputFailed) return;
  hasOutputFailed = true;
  const message = `The command has run, but its output could not be written: ${printable(messageOf(error), 200)}`;
  const { exitCode, ...reported } = reportOf(new CliError('ERR_OUTPUT', message));
  print({ ...reported, applied: Output.hasChanged }, asksForJson(process.argv.slice(2)));
  // The command may still set its own.
  process.once('exit', () => {
    if (process.exitCode === ExitCode.ok) process.exitCode = exitCode;
  });
}
