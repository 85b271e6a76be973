/** Reads a document of `export`, and finds all its problems. */
import type { ConfigState, FeatureState, TerminalSettings } from '13byte-config';
import {
  createScanner,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
  SyntaxKind,
} from 'jsonc-parser';
import { type DocumentProblem, MOST_PROBLEMS } from './errors';
import { type DocumentNotes, FORMAT_NAME, FORMAT_VERSION, NOTE_KEYS, type NoteKey, type States } from './document';
import { NOTES } from '../core/declaration';
import { messageOf, printable, show as shown } from '../core/errors';
import { ENVIRONMENT_NAME, FEATURE_NAME } from '../core/layout';
import { MAX_TERMINAL_SIZE, MIN_TERMINAL_SIZE } from '../core/record';
import { basisPointsOf } from '../core/rollout';
import { MODE_NAMES } from '../core/terminal';
import { hint } from './suggest';

/** The states in a document, as far as they are valid, and where its features are. */
export interface CheckedDocument {
  readonly states: States;
  readonly notes: DocumentNotes;
  readonly problems: readonly DocumentProblem[];
  /** The names of its environments, and of the features of one, also of invalid ones. */
  readonly environments: readonly string[];
  featuresOf(environment: string): readonly string[];
  /** A problem with a feature of an environment. */
  problemAt(environment: string, feature: string | undefined, message: string): DocumentProblem;
}

/** Far more than a hundred environments with all the features that a database can have. */
export const MAX_DOCUMENT_BYTES = 1_048_576;

/** The document itself has five levels. */
const MAX_DEPTH = 16;

/** Checks a document by itself. Whether a database has its features is checked later. */
export function checkDocument(text: string): CheckedDocument {
  const check = new Check(text);
  const states = check.document();
  return {
    states,
    notes: check.notes,
    problems: check.problems,
    environments: [...check.named.keys()],
    featuresOf: (environment) => check.named.get(environment) ?? [],
    problemAt: (environment, feature, message) => check.problemAt(environment, feature, message),
  };
}

class Check {
  readonly problems: DocumentProblem[] = [];
  /** The features of each environment. */
  readonly named = new Map<string, string[]>();
  readonly notes = new Map<string, { readonly [key in NoteKey]?: string }>();
  readonly #text: string;
  /** Where environments and their features are, by `environment` and `environment feature`. */
  readonly #places = new Map<string, { readonly offset: number; readonly path: string }>();

  constructor(text: string) {
    this.#text = text;
  }

  document(): States {
    const root = this.#parse();
    const states = new Map<string, ConfigState>();
    if (!root || !this.#isObject(root, '$')) return states;
    const format = this.#member(root, 'format');
    // Nothing else in the file of another version can be judged.
    if (format && !this.#isFormat(format)) return states;
    const { environments, features } = this.#members(
      root,
      '$',
      ['format', 'environments', 'features'],
      ['format', 'environments'],
    );
    if (features) this.#notes(features, '$.features');
    if (!environments || !this.#isObject(environments, '$.environments')) return states;
    const entries = this.#entries(environments, '$.environments');
    if (entries.length === 0) this.#problem(environments, '$.environments', 'must contain at least one environment');
    for (const { name, key, value, path } of entries) {
      this.#places.set(name, { offset: key.offset, path });
      if (!ENVIRONMENT_NAME.test(name)) {
        this.#problem(key, path, `${shown(name)} cannot name an environment (must match ${ENVIRONMENT_NAME.source})`);
        continue;
      }
      this.named.set(name, []);
      const state = this.#state(name, value, path);
      if (state) states.set(name, state);
    }
    return states;
  }

  problemAt(environment: string, feature: string | undefined, message: string): DocumentProblem {
    const { offset, path } = this.#places.get(placeOf(environment, feature)) ?? { offset: 0, path: '$' };
    return this.#describe(offset, path, message);
  }

  #parse(): Node | undefined {
    const tooDeep = firstTooDeep(this.#text);
    if (tooDeep !== undefined) {
      this.problems.push(this.#describe(tooDeep, '$', `is nested more than ${MAX_DEPTH} levels deep`));
      return undefined;
    }
    const errors: ParseError[] = [];
    const root = parseTree(this.#text, errors, { disallowComments: true, allowTrailingComma: false });
    for (const { error, offset } of errors.slice(0, MOST_PROBLEMS + 1)) {
      this.problems.push(this.#describe(offset, '$', `is not JSON: ${wordsOf(printParseErrorCode(error))}`));
    }
    // After a syntax error the parser only guesses.
    return errors.length === 0 ? root : undefined;
  }

  #isFormat(node: Node): boolean {
    const wanted = `${FORMAT_NAME}/${FORMAT_VERSION}`;
    const value: unknown = getNodeValue(node);
    if (value === wanted) return true;
    const version = typeof value === 'string' ? new RegExp(`^${FORMAT_NAME}/([1-9]\\d*)$`).exec(value)?.[1] : undefined;
    this.#problem(
      node,
      '$.format',
      version === undefined
        ? `must be ${JSON.stringify(wanted)}, not ${show(node)}`
        : `format ${version} is newer than ${FORMAT_VERSION}, the newest this version knows (update 13byte-config)`,
    );
    return false;
  }

  #notes(node: Node, path: string): void {
    if (!this.#isObject(node, path)) return;
    for (const { name, key, value, path: place } of this.#entries(node, path)) {
      if (!FEATURE_NAME.test(name)) {
        this.#problem(key, place, `${shown(name)} cannot name a feature (must match ${FEATURE_NAME.source})`);
      }
      if (!this.#isObject(value, place)) continue;
      const own: { [key in NoteKey]?: string } = {};
      for (const [note, text] of Object.entries(this.#members(value, place, NOTE_KEYS, [])) as [NoteKey, Node][]) {
        const found: unknown = getNodeValue(text);
        try {
          NOTES[note](found, note);
          own[note] = found as string;
        } catch (error) {
          this.#problem(text, `${place}.${note}`, messageOf(error));
        }
      }
      this.notes.set(name, own);
    }
  }

  #state(environment: string, node: Node, path: string): ConfigState | undefined {
    if (!this.#isObject(node, path)) return undefined;
    const before = this.problems.length;
    const { terminal, features } = this.#members(node, path, ['terminal', 'features']);
    const settings = terminal && this.#terminal(terminal, `${path}.terminal`);
    const states = features && this.#features(environment, features, `${path}.features`);
    return settings && states && this.problems.length === before ? { terminal: settings, features: states } : undefined;
  }

  #terminal(node: Node, path: string): TerminalSettings | undefined {
    if (!this.#isObject(node, path)) return undefined;
    const { mode, rows, cols } = this.#members(node, path, ['mode', 'rows', 'cols']);
    const number = mode && this.#mode(mode, `${path}.mode`);
    const size = [rows && this.#size(rows, `${path}.rows`), cols && this.#size(cols, `${path}.cols`)];
    return number === undefined || size[0] === undefined || size[1] === undefined
      ? undefined
      : { mode: number, rows: size[0], cols: size[1] };
  }

  #mode(node: Node, path: string): number | undefined {
    const mode = MODE_NAMES.findIndex((name) => name === getNodeValue(node));
    if (mode >= 0) return mode;
    const choices = MODE_NAMES.map((name) => JSON.stringify(name)).join(', ');
    this.#problem(node, path, `must be one of ${choices}, not ${show(node)}`);
    return undefined;
  }

  #size(node: Node, path: string): number | undefined {
    const value: unknown = getNodeValue(node);
    const isSize = typeof value === 'number' && Number.isInteger(value) && value >= MIN_TERMINAL_SIZE;
    if (isSize && value <= MAX_TERMINAL_SIZE) return value;
    this.#problem(node, path, `must be a whole number, ${MIN_TERMINAL_SIZE}-${MAX_TERMINAL_SIZE}, not ${show(node)}`);
    return undefined;
  }

  #features(environment: string, node: Node, path: string): ConfigState['features'] | undefined {
    if (!this.#isObject(node, path)) return undefined;
    const states: [string, FeatureState][] = [];
    for (const { name, key, value, path: place } of this.#entries(node, path)) {
      this.#places.set(placeOf(environment, name), { offset: key.offset, path: place });
      if (FEATURE_NAME.test(name)) this.named.get(environment)?.push(name);
      else this.#problem(key, place, `${shown(name)} cannot name a feature (must match ${FEATURE_NAME.source})`);
      const state = this.#feature(value, place);
      if (state) states.push([name, state]);
    }
    return Object.fromEntries(states);
  }

  #feature(node: Node, path: string): FeatureState | undefined {
    if (!this.#isObject(node, path)) return undefined;
    const { enabled, rollout } = this.#members(node, path, ['enabled', 'rollout']);
    const [on, percent]: unknown[] = [enabled && getNodeValue(enabled), rollout && getNodeValue(rollout)];
    const isPercent = typeof percent === 'number' && basisPointsOf(percent) !== undefined;
    if (enabled && typeof on !== 'boolean') {
      this.#problem(enabled, `${path}.enabled`, `must be true or false, not ${show(enabled)}`);
    }
    if (rollout && !isPercent) {
      this.#problem(rollout, `${path}.rollout`, `must be a percentage, 0-100 in steps of 0.01, not ${show(rollout)}`);
    }
    return typeof on === 'boolean' && isPercent ? { enabled: on, rollout: percent } : undefined;
  }

  #isObject(node: Node, path: string): boolean {
    if (node.type === 'object') return true;
    this.#problem(node, path, `must be an object, not ${show(node)}`);
    return false;
  }

  #member(node: Node, name: string): Node | undefined {
    return node.children?.find((property) => property.children?.[0]?.value === name)?.children?.[1];
  }

  /** The members of these names. Others are problems, and so are required ones that are missing. */
  #members<Name extends string>(
    node: Node,
    path: string,
    names: readonly Name[],
    required: readonly Name[] = names,
  ): { [name in Name]?: Node } {
    const members: { [name in Name]?: Node } = {};
    for (const { name, key, value, path: place } of this.#entries(node, path)) {
      const known = names.find((candidate) => candidate === name);
      if (known === undefined) this.#problem(key, place, `is not a known property.${hint(name, names)}`);
      else members[known] = value;
    }
    for (const name of required) {
      if (!members[name]) this.#problem(node, path, `${JSON.stringify(name)} is missing`);
    }
    return members;
  }

  /** The members of an object, each once: of two, parsers disagree about which counts. */
  #entries(node: Node, path: string) {
    const seen = new Set<string>();
    return (node.children ?? []).flatMap((property) => {
      const [key, value] = property.children as [Node, Node];
      const name = String(key.value);
      const entry = { name, key, value, path: `${path}${memberPath(name)}` };
      if (seen.has(name)) {
        this.#problem(key, entry.path, 'duplicate property');
        return [];
      }
      seen.add(name);
      return [entry];
    });
  }

  #problem(node: Node, path: string, message: string): void {
    // Finding a position takes time in proportion to it, and a list of thousands is of no use.
    if (this.problems.length <= MOST_PROBLEMS) this.problems.push(this.#describe(node.offset, path, message));
  }

  #describe(offset: number, path: string, message: string): DocumentProblem {
    const before = this.#text.slice(0, offset).split('\n');
    return { path, line: before.length, column: before.at(-1)!.length + 1, message };
  }
}

/** Valid names contain no spaces. */
function placeOf(environment: string, feature: string | undefined): string {
  return feature === undefined ? environment : `${environment} ${feature}`;
}

/** `.name`, or `["na.me"]`. */
function memberPath(name: string): string {
  return /^[A-Za-z_]\w{0,79}$/.test(name) ? `.${name}` : `[${shown(name)}]`;
}

function show(node: Node): string {
  if (node.type === 'object' || node.type === 'array') return `an ${node.type}`;
  return printable(JSON.stringify(getNodeValue(node)) ?? 'nothing', 60);
}

/** Such as `property name expected`. */
function wordsOf(code: string): string {
  return code.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}

/** Where brackets are nested too deep for a recursive parser. */
function firstTooDeep(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (let token = scanner.scan(); token !== SyntaxKind.EOF; token = scanner.scan()) {
    if (token === SyntaxKind.OpenBraceToken || token === SyntaxKind.OpenBracketToken) depth += 1;
    if (token === SyntaxKind.CloseBraceToken || token === SyntaxKind.CloseBracketToken) depth -= 1;
    if (depth > MAX_DEPTH) return scanner.getTokenOffset();
  }
  return undefined;
}
