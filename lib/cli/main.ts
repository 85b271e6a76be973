/**
 * `13byte-config`, the command line. It uses the public API alone, so it can do what any program can.
 */
import { PROGRAM } from './command';
import { reportOf } from './errors';
import { asksForJson } from './options';
import { colorsOf } from './output';

process.exitCode = 0;
process.stdout.on('error', endQuietly);
process.stderr.on('error', endQuietly);
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
  if (json) {
    process.stderr.write(`${JSON.stringify({ error: reported })}\n`);
  } else {
    const { red, dim } = colorsOf(process.stderr);
    process.stderr.write(`${red(`${PROGRAM}:`)} ${reported.message} ${dim(`(${reported.code})`)}\n`);
  }
}

/** Whoever reads the output may have had enough of it, as `head` does. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}
