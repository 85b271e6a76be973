import type { ConfigState, FeatureDeclaration, ProductionConfig } from '13byte-config';
import { printable } from '../../core/errors';
import { MAX_FEATURES } from '../../core/layout';
import { changeNote, checkRevision, defaultReason, ifRevision, lastRevision, openersOf } from '../change';
import type { CommandDefinition, Invocation } from '../command';
import { differences, paintChanges } from '../differences';
import { type CheckedDocument, checkDocument } from '../document-check';
import { type DocumentProblem, DocumentError, MOST_PROBLEMS } from '../errors';
import { nameOfFile, readText } from '../files';
import type { Target } from '../options';
import { goTo, needHistory, type RestoreResult } from '../restore';
import { identityOf, readingBeforeChange, type Session } from '../session';
import { hint } from '../suggest';

export const importState: CommandDefinition = {
  name: 'import',
  summary: 'go to the state in a file of export',
  description:
    'Checks the whole file first and reports all its problems. Then all of it becomes live and is persisted as one revision, ' +
    'or nothing. Features that are not in the file stay as they are. A state that is persisted already is not persisted again.',
  arguments: [{ term: '<file>', summary: 'the file; - for stdin', completion: 'files' }],
  options: [
    { flags: '--from <environment>', summary: 'import the state of this environment instead of that of --env' },
    { flags: '--add-features', summary: 'register features that the database does not have, as in a new one' },
    { flags: '--dry-run', summary: 'only show the differences' },
  ],
  changes: true,
  examples: [
    'import flags.json --db ./config.db --env production',
    'import flags.json --dry-run',
    'import flags.json --env production --from staging --reason "release 7"',
  ],
  run: async (invocation) => {
    const { target, output } = invocation;
    needHistory(target, 'import');
    const [file] = invocation.arguments as [string];
    const { dryRun = false } = invocation.options as Options;
    const document = checkDocument(await readText(file));
    const planFor = async (config: ProductionConfig<string>, isNew: boolean): Promise<Plan> => {
      await checkRevision(config, target);
      const options: Options = { ...invocation.options, ...(isNew && { addFeatures: true }) };
      return plan(document, config.environment, config.getFeatureNames(), file, options);
    };
    const { planned, ...result } = dryRun
      ? await readingBeforeChange(target, async (session) =>
          wouldBe(session, await planFor(session.config, session.isNew)),
        )
      : await apply(target, planFor, defaultReason(['import', file]));
    const details = { from: planned.source, dryRun, addedFeatures: planned.added };
    output.result({ ...result, ...details }, () => text(invocation, { ...result, ...details }));
  },
};

interface Options {
  from?: string;
  addFeatures?: boolean;
  dryRun?: boolean;
}

/** What is to be imported. */
interface Plan {
  /** The environment in the file. */
  readonly source: string;
  readonly state: ConfigState;
  /** Features that the database does not have. */
  readonly added: readonly string[];
  /** What is declared of features that the database has then. */
  readonly notes: { readonly [name: string]: FeatureDeclaration };
}

/** Throws with everything that is wrong with a document, by itself and for a config with these features. */
function plan(
  document: CheckedDocument,
  environment: string,
  names: readonly string[],
  file: string,
  { from: source = environment, addFeatures = false }: Options,
): Plan {
  const added = document.featuresOf(source).filter((name) => !names.includes(name));
  const problems = [...document.problems, ...problemsHere(document, source, names, added, addFeatures)];
  if (problems.length > 0) throw new DocumentError(nameOfFile(file), problems);
  const known = new Set([...names, ...added]);
  const notes = Object.fromEntries([...document.notes].filter(([name]) => known.has(name)));
  return { source, state: document.states.get(source)!, added, notes };
}

function problemsHere(
  document: CheckedDocument,
  source: string,
  names: readonly string[],
  added: readonly string[],
  addFeatures: boolean,
): DocumentProblem[] {
  if (!document.environments.includes(source)) {
    // If it could not be read, that is the problem.
    if (document.problems.length > 0) return [];
    const others = printable(document.environments.join(', '), 500);
    return [
      document.problemAt(
        '',
        undefined,
        `has nothing for ${printable(source)}, only for ${others}.${hint(source, document.environments)} Choose one with --from`,
      ),
    ];
  }
  if (!addFeatures) {
    return added
      .slice(0, MOST_PROBLEMS + 1)
      .map((name) =>
        document.problemAt(
          source,
          name,
          `the database has no feature of that name.${hint(name, names)} Register new ones with --add-features`,
        ),
      );
  }
  if (names.length + added.length <= MAX_FEATURES) return [];
  return [
    document.problemAt(
      source,
      undefined,
      `${added.length} new features and the ${names.length} of the database are more than ${MAX_FEATURES}`,
    ),
  ];
}

async function wouldBe(session: Session, planned: Plan): Promise<ImportResult> {
  const changes = differences(session.config.getState(), planned.state);
  return {
    ...identityOf(session),
    changed: changes.length > 0,
    persisted: false,
    revision: (await lastRevision(session.config))?.revision ?? null,
    openIn: openersOf(session),
    restoredFrom: null,
    reason: null,
    actor: null,
    changes,
    planned,
  };
}

async function apply(
  target: Target,
  planFor: (config: ProductionConfig<string>, isNew: boolean) => Promise<Plan>,
  otherwise: string,
): Promise<ImportResult> {
  let planned: Plan | undefined;
  const result = await goTo(
    target,
    (config) => config.apply(planned!.state, target.reason ?? otherwise, ifRevision(target)),
    async (config, isNew) => {
      planned = await planFor(config, isNew);
      // They get their bits first, and keep them, switched off, if the rest fails.
      return { ...Object.fromEntries(planned.added.map((name) => [name, {}])), ...planned.notes };
    },
  );
  return { ...result, planned: planned! };
}

interface ImportResult extends Omit<RestoreResult, 'reason' | 'actor'> {
  readonly planned: Plan;
  readonly reason: string | null;
  readonly actor: string | null;
}

function text(
  { output }: Invocation,
  result: Omit<ImportResult, 'planned'> & { dryRun: boolean; addedFeatures: readonly string[] },
): string {
  const { environment, changes, dryRun, addedFeatures } = result;
  return [
    ...(addedFeatures.length > 0 ? [`${dryRun ? 'would register' : 'registered'} ${addedFeatures.join(', ')}`] : []),
    ...(changes.length > 0 ? paintChanges(output, changes) : [`no differences in ${environment}`]),
    output.colors.dim(dryRun ? 'dry run: nothing was changed' : changeNote(result)),
  ].join('\n');
}
