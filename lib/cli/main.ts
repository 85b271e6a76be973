/**
 * `13byte-config`, the command line. It uses the public API alone, so it can do what any program can.
 */
import { PROGRAM } from './program-name';
import { escapeUnseen, messageOf, printable } from '../core/errors';
import { CliError, reportOf } from './errors';
import { ExitCode } from './exit-codes';
import { asksForJson } from './options';
import { colorsOf, jsonText, Output } from './output';

process.exitCode = 0;
process.stdout.on('error', outputFailed);
// There is nowhere left to say so, and the command goes on.
process.stderr.on('error', () => {});
void main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  try {
    // Loaded here, so that a missing addon is reported like every error.
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
    // Whatever it is made of, it does nothing to the terminal. The problems of a document have a line each.
    const message = reported.message.split('\n').map(escapeUnseen).join('\n');
    process.stderr.write(`${red(`${PROGRAM}:`)} ${message} ${dim(`(${reported.code})`)}\n`);
  }
}

let hasOutputFailed = false;

/**
 * The result could not be written, as on a full disk. It is written last, so the command has done what it was to do, and the
 * exit code says that. Whoever reads the output may also have had enough of it, as `head` does.
 */
function outputFailed(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  if (hasOutputFailed) return;
  hasOutputFailed = true;
  const message = `The command has run, but its output could not be written: ${printable(messageOf(error), 200)}`;
  const { exitCode, ...reported } = reportOf(new CliError('ERR_OUTPUT', message));
  print({ ...reported, applied: Output.hasChanged }, asksForJson(process.argv.slice(2)));
  // The command may be about to set its own.
  process.once('exit', () => {
    if (process.exitCode === ExitCode.ok) process.exitCode = exitCode;
  });
}
