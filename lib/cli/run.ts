import { CommanderError } from 'commander';
import { commands } from './commands';
import { complete } from './completion/complete';
import { COMPLETE } from './completion/scripts';
import type { ExitCode } from './exit-codes';
import { asksForJson } from './options';
import { createProgram } from './program';

/** Runs a command line to its end. */
export async function run(args: readonly string[], exitWith: (code: ExitCode) => void): Promise<void> {
  if (args[0] === COMPLETE) {
    for (const line of await complete(commands, args.slice(1))) process.stdout.write(`${line}\n`);
    return;
  }
  if (args.length === 0 && !asksForJson(args)) {
    createProgram(commands, exitWith).outputHelp();
    return;
  }
  try {
    await createProgram(commands, exitWith).parseAsync([...args], { from: 'user' });
  } catch (error) {
    // Commander throws after it has printed the help or the version, too.
    if (!(error instanceof CommanderError && error.exitCode === 0)) throw error;
  }
}
