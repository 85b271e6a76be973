import type { Command } from 'commander';
import type { ExitCode } from './exit-codes';
import type { Target } from './options';
import type { Output } from './output';

/** What an argument or the value of an option is completed with. */
export type Completion = 'features' | 'environments' | 'files' | readonly string[];

/** A command: one file in `commands/`, listed in `commands/index.ts`. */
export interface CommandDefinition {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** What else there is to know, for its help. */
  readonly description?: string;
  readonly arguments?: readonly ArgumentDefinition[];
  /** Beside those that all commands have. */
  readonly options?: readonly OptionDefinition[];
  /** Whether it changes something, and so takes the options of changes. */
  readonly changes?: boolean;
  /** Command lines that work, without the name of the program. */
  readonly examples: readonly string[];
  /** Does it. What it throws is reported, and decides what the process ends with. */
  run(invocation: Invocation): Promise<ExitCode | void>;
}

export interface ArgumentDefinition {
  /** As commander takes it: `<name>`, `[name]`, `<names...>`. */
  readonly term: string;
  readonly summary: string;
  readonly completion?: Completion;
}

export interface OptionDefinition {
  /** As commander takes it: `--key <key>`. */
  readonly flags: string;
  readonly summary: string;
  readonly completion?: Completion;
  /** Makes the value from the text, or throws a usage error. */
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
