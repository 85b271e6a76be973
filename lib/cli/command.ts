import type { Command } from 'commander';
import type { ExitCode } from './exit-codes';
import type { Target } from './options';
import type { Output } from './output';

/** The completions of an argument or of an option's value. */
export type Completion = 'features' | 'retired' | 'environments' | 'files' | readonly string[];

/** A command: one file in `commands/`, listed in `commands/index.ts`. */
export interface CommandDefinition {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** More text for its help. */
  readonly description?: string;
  readonly arguments?: readonly ArgumentDefinition[];
  /** In addition to those of all commands. */
  readonly options?: readonly OptionDefinition[];
  /** Whether it changes something, and therefore takes the options of changes. */
  readonly changes?: boolean;
  /** Command lines that work, without the name of the program. */
  readonly examples: readonly string[];
  /** Runs it. An error that it throws is reported, and determines the exit code. */
  run(invocation: Invocation): Promise<ExitCode | void>;
}

export interface ArgumentDefinition {
  /** In commander's notation: `<name>`, `[name]`, `<names...>`. */
  readonly term: string;
  readonly summary: string;
  readonly completion?: Completion;
}

export interface OptionDefinition {
  /** In commander's notation: `--key <key>`. */
  readonly flags: string;
  readonly summary: string;
  readonly completion?: Completion;
  /** Parses the value, or throws a usage error. */
  readonly parse?: (text: string) => unknown;
}

/** One use of a command. */
export interface Invocation {
  /** The arguments in their order; a list for `<names...>`. */
  readonly arguments: readonly (string | string[] | undefined)[];
  /** The values of its own options. */
  readonly options: { readonly [name: string]: unknown };
  readonly target: Target;
  readonly output: Output;
  /** All commands, for help and completion. */
  readonly program: Command;
}
