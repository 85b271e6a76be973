import { Command, Option } from 'commander';
import type { CommandDefinition } from './command';
import { PROGRAM } from './program-name';
import { EXIT_CODE_MEANINGS, ExitCode } from './exit-codes';
import { CHANGE_OPTIONS, COMMON_OPTIONS, readTarget } from './options';
import { colorsOf, Output } from './output';

/** Defined by the build. */
declare const PACKAGE_VERSION: string;

/**
 * The program with all its commands. Options that several commands share belong to the program, so that they are allowed
 * before and after the command.
 */
export function createProgram(commands: readonly CommandDefinition[], exitWith: (code: ExitCode) => void): Command {
  const program = new Command(PROGRAM)
    .description('Shows and changes a 13byte-config, in running programs at once and in its database.')
    .usage('<command> [options]')
    .version(PACKAGE_VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help, or the help of a command')
    .helpCommand('help [command]', 'print the help of a command')
    // Errors are reported in one place, as text or JSON.
    .configureOutput({ writeErr: () => {} })
    .exitOverride();
  for (const option of COMMON_OPTIONS) program.addOption(option);
  for (const option of CHANGE_OPTIONS) program.addOption(option);
  program.configureHelp({ styleTitle: (title) => colorsOf(process.stdout).bold(title) });
  program.addHelpText('after', () =>
    section(
      'Exit codes',
      EXIT_CODE_MEANINGS.map(([code, meaning]) => `${code}  ${meaning}`),
    ),
  );
  for (const definition of commands) program.addCommand(makeCommand(definition, program, exitWith));
  return program;
}

function makeCommand(definition: CommandDefinition, program: Command, exitWith: (code: ExitCode) => void): Command {
  const { name, summary, description, changes = false } = definition;
  const command = new Command(name)
    .summary(summary)
    .description(description === undefined ? sentence(summary) : `${sentence(summary)} ${description}`)
    .copyInheritedSettings(program)
    .configureHelp({
      styleTitle: (title) => colorsOf(process.stdout).bold(title),
      showGlobalOptions: true,
      visibleGlobalOptions: () => [...COMMON_OPTIONS, ...(changes ? CHANGE_OPTIONS : [])],
    })
    .helpOption('-h, --help', 'print this help');
  for (const { term, summary: what } of definition.arguments ?? []) command.argument(term, what);
  for (const { flags, summary: what, parse } of definition.options ?? []) {
    const option = new Option(flags, what);
    command.addOption(parse ? option.argParser(parse) : option);
  }
  command.addHelpText('after', () =>
    section(
      'Examples',
      definition.examples.map((example) => `${PROGRAM} ${example}`),
    ),
  );
  return command.action(async () => {
    const target = readTarget(command, changes);
    const code = await definition.run({
      arguments: command.processedArgs,
      options: command.opts(),
      target,
      output: new Output(target.json),
      program,
    });
    exitWith(code ?? ExitCode.ok);
  });
}

function section(title: string, lines: readonly string[]): string {
  return `\n${colorsOf(process.stdout).bold(`${title}:`)}\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}
