import type { Option } from 'commander';
import type { CommandDefinition, Completion } from '../command';
import { CHANGE_OPTIONS, COMMON_OPTIONS, type Target } from '../options';
import { reading, readingPersisted } from '../session';
import { FILES } from './scripts';

interface Candidate {
  readonly value: string;
  readonly description?: string;
}

/** An option, for completion. */
interface KnownOption {
  readonly long: string;
  readonly description: string;
  readonly takesValue: boolean;
  readonly completion: Completion;
}

/** The command line before the word to complete. */
interface Typed {
  readonly command: CommandDefinition | undefined;
  readonly arguments: readonly string[];
  /** The values of options, by their names. */
  readonly values: ReadonlyMap<string, string>;
  /** The option whose value is completed. */
  readonly pending: KnownOption | undefined;
}

/**
 * The candidates for the last word, one per line. An error, such as a database that cannot be read, only means fewer
 * candidates: it must not appear while the user types.
 */
export async function complete(commands: readonly CommandDefinition[], words: readonly string[]): Promise<string[]> {
  const { before, current } = splitWords(words);
  const assignment = /^(--[^=]+)=(.*)$/s.exec(current);
  const word = assignment ? (assignment[2] ?? '') : current;
  const typed = read(commands, assignment ? [...before, assignment[1] ?? ''] : before);
  const candidates = await candidatesFor(commands, typed, word);
  return candidates
    .filter(({ value }) => value === FILES || value.startsWith(word))
    .map(({ value, description }) => (description === undefined ? value : `${value}\t${description}`));
}

/** Bash passes `--db=x` as three words. */
function splitWords(words: readonly string[]): { before: string[]; current: string } {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1).filter((word) => word !== '=');
  return { before, current: current === '=' ? '' : current };
}

function read(commands: readonly CommandDefinition[], words: readonly string[]): Typed {
  let command: CommandDefinition | undefined;
  let pending: KnownOption | undefined;
  const args: string[] = [];
  const values = new Map<string, string>();
  for (const word of words) {
    if (pending) {
      values.set(pending.long, word);
      pending = undefined;
    } else if (word.startsWith('-')) {
      const [long = '', value] = word.split('=', 2);
      const option = optionsOf(command).find((known) => known.long === long);
      if (option?.takesValue && value === undefined) pending = option;
      else if (value !== undefined) values.set(long, value);
    } else if (command) {
      args.push(word);
    } else {
      command = commands.find(({ name }) => name === word);
    }
  }
  return { command, arguments: args, values, pending };
}

async function candidatesFor(commands: readonly CommandDefinition[], typed: Typed, word: string): Promise<Candidate[]> {
  const { command, pending } = typed;
  if (pending) return await expand(pending.completion, typed);
  if (word.startsWith('-')) return optionsOf(command).map(({ long, description }) => ({ value: long, description }));
  if (!command) return commands.map(({ name, summary }) => ({ value: name, description: summary }));
  const places = command.arguments ?? [];
  const last = places.at(-1);
  const place = places[typed.arguments.length] ?? (last?.term.includes('...') ? last : undefined);
  return place?.completion ? await expand(place.completion, typed) : [];
}

async function expand(completion: Completion, typed: Typed): Promise<Candidate[]> {
  if (completion === 'files') return [{ value: FILES }];
  if (typeof completion !== 'string') return completion.map((value) => ({ value }));
  try {
    const names = await NAMES[completion](typed);
    return names.filter((name) => !typed.arguments.includes(name)).map((value) => ({ value }));
  } catch {
    return [];
  }
}

const NAMES = { features: featuresOf, retired: retiredOf, environments: environmentsOf } as const;

function retiredOf(typed: Typed): Promise<string[]> {
  return readingPersisted(targetOf(typed), async (config) => {
    const retired = await config.getRetiredFeatures();
    return retired.map(({ name }) => name);
  });
}

function featuresOf(typed: Typed): Promise<string[]> {
  const target = targetOf(typed);
  // All environments of a database have the same features.
  return target.db === undefined
    ? reading(target, async ({ config }) => config.getFeatureNames())
    : readingPersisted(target, (config) => config.getFeatureNames());
}

function environmentsOf(typed: Typed): Promise<string[]> {
  return readingPersisted(targetOf(typed), (config) => config.getEnvironments());
}

function targetOf({ values }: Typed): Target {
  const { CONFIG13BYTE_DB, CONFIG13BYTE_CLUSTER, CONFIG13BYTE_ENV } = process.env;
  const cluster = values.get('--cluster');
  return {
    db: values.get('--db') ?? (cluster === undefined ? CONFIG13BYTE_DB || undefined : undefined),
    cluster: cluster ?? (CONFIG13BYTE_CLUSTER || undefined),
    environment: values.get('--env') ?? (CONFIG13BYTE_ENV || undefined),
    actor: undefined,
    reason: undefined,
    json: false,
    persist: false,
    create: false,
    ifRevision: undefined,
  };
}

function optionsOf(command: CommandDefinition | undefined): KnownOption[] {
  const shared = command && !command.changes ? COMMON_OPTIONS : [...COMMON_OPTIONS, ...CHANGE_OPTIONS];
  const own = (command?.options ?? []).map(({ flags, summary, completion = [] }): KnownOption => ({
    long: /--[\w-]+/.exec(flags)?.[0] ?? flags,
    description: summary,
    takesValue: flags.includes('<'),
    completion,
  }));
  return [
    ...own,
    ...shared.map(toKnown),
    { long: '--help', description: 'print help', takesValue: false, completion: [] },
  ];
}

function toKnown({ long, description, required }: Option): KnownOption {
  return { long: long ?? '', description, takesValue: required, completion: VALUES[long ?? ''] ?? [] };
}

const VALUES: { readonly [option: string]: Completion } = { '--db': 'files', '--env': 'environments' };
