import { type ConfigState, createProductionConfig, DEFAULT_FEATURES } from '13byte-config';
import { checkRevision, defaultReason, isPersisted } from '../change';
import type { CommandDefinition, Invocation } from '../command';
import { differences, paintChanges } from '../differences';
import { type CheckedDocument, checkDocument } from '../document-check';
import { printable } from '../../core/errors';
import { type DocumentProblem, DocumentError, MOST_PROBLEMS } from '../errors';
import { nameOfFile, readText } from '../files';
import type { Target } from '../options';
import { goTo, needHistory, type RestoreResult } from '../restore';
import { type Identity, identityOf, needDatabase, reading, readingPersisted } from '../session';
import { hint } from '../suggest';

const MAX_FEATURES = 32;

export const importState: CommandDefinition = {
  name: 'import',
  summary: 'go to the state in a file of export',
  description:
    'The file is checked first, and everything that is wrong with it is told. Then all of it is live and persisted as one ' +
    'revision, or nothing. Features that the file leaves out stay as they are. What is persisted already is not persisted again.',
  arguments: [{ term: '<file>', summary: 'the file; stdin for -', completion: 'files' }],
  options: [
    { flags: '--from <environment>', summary: 'take what the file has for another environment than that of --env' },
    { flags: '--add-features', summary: 'register features that the database does not have' },
    { flags: '--dry-run', summary: 'only tell what would be different' },
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
    const { from, addFeatures = false, dryRun = false } = invocation.options as Options;
    const document = checkDocument(await readText(file));
    const there = await lookAround(target);
    const source = from ?? there.identity.environment;
    const added = document.featuresOf(source).filter((name) => !there.names.includes(name));
    const problems = [...document.problems, ...problemsHere(document, source, there, added, addFeatures)];
    if (problems.length > 0) throw new DocumentError(nameOfFile(file), problems);
    const state = document.states.get(source)!;
    const details = { from: source, dryRun, addedFeatures: added };
    const result = dryRun ? wouldBe(there, state) : await apply(target, there, state, added, file);
    output.result({ ...result, ...details }, () => text(invocation, { ...result, ...details }));
  },
};

interface Options {
  from?: string;
  addFeatures?: boolean;
  dryRun?: boolean;
}

/** What there is before anything is made or changed. */
interface Surroundings {
  readonly identity: Identity;
  readonly names: readonly string[];
  readonly state: ConfigState;
  readonly revision: number | null;
  /** Whether there is a database. */
  readonly exists: boolean;
}

async function lookAround(target: Target): Promise<Surroundings> {
  try {
    return await reading(target, async (session) => {
      await checkRevision(session.config, target);
      return { ...(await describe(session.config)), identity: identityOf(session), exists: true };
    });
  } catch (error) {
    const { code } = error as { code?: string };
    if (!target.create) throw error;
    if (code === 'ERR_ENVIRONMENT_NOT_FOUND') {
      return await readingPersisted(target, async (config) => {
        await checkRevision(config, target);
        return { ...(await describe(config)), identity: identityOf({ config, live: false, target }), exists: true };
      });
    }
    if (code !== 'ERR_STORE_NOT_FOUND') throw error;
  }
  const config = createProductionConfig<readonly string[]>(
    target.environment === undefined ? {} : { environment: target.environment },
  );
  try {
    const { environment } = config;
    const identity = { ...identityOf({ config, live: false, target }), environment };
    return { identity, names: DEFAULT_FEATURES, state: config.getState(), revision: null, exists: false };
  } finally {
    await config.close();
  }
}

async function describe(config: Parameters<typeof identityOf>[0]['config']) {
  return {
    names: config.getFeatureNames(),
    state: config.getState(),
    revision: (await config.getHistory(1))[0]?.revision ?? null,
  };
}

/** What is right in itself and does not go with this database. */
function problemsHere(
  document: CheckedDocument,
  source: string,
  { names }: Surroundings,
  added: readonly string[],
  addFeatures: boolean,
): DocumentProblem[] {
  if (!document.environments.includes(source)) {
    // Where it could not be read, that is the problem.
    if (document.problems.length > 0) return [];
    const others = printable(document.environments.join(', '), 500);
    return [
      document.problemAt(
        '',
        undefined,
        `nothing is in it for ${printable(source)}, only for ${others}.${hint(source, document.environments)} Choose one with --from`,
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
  const count = names.length + added.length;
  if (count <= MAX_FEATURES) return [];
  return [
    document.problemAt(
      source,
      undefined,
      `${added.length} new features and the ${names.length} of the database are more than ${MAX_FEATURES}`,
    ),
  ];
}

function wouldBe({ identity, state, revision }: Surroundings, wanted: ConfigState): ImportResult {
  const changes = differences(state, wanted);
  return {
    ...identity,
    changed: changes.length > 0,
    persisted: false,
    revision,
    restoredFrom: null,
    reason: null,
    actor: null,
    changes,
  };
}

async function apply(
  target: Target,
  there: Surroundings,
  state: ConfigState,
  added: readonly string[],
  file: string,
): Promise<ImportResult> {
  if (added.length > 0 || !there.exists) await register(target, there, added);
  const reason = target.reason ?? defaultReason(['import', file]);
  return await goTo(target, async (config, { ifRevision }) => {
    const [last] = await config.getHistory(1);
    const isThere = differences(config.getState(), state).length === 0 && (await isPersisted(config, target));
    if (last && isThere && (ifRevision === undefined || ifRevision === last.revision)) return last;
    return await config.apply(state, reason, ifRevision === undefined ? {} : { ifRevision });
  });
}

/** Bits of features that are off are all that stays of it, should what follows fail. */
async function register(
  target: Target,
  { identity, names, exists }: Surroundings,
  added: readonly string[],
): Promise<void> {
  const config = createProductionConfig<readonly string[]>({
    persistPath: needDatabase(target.db),
    environment: identity.environment,
    features: [...names, ...added],
    fileMustExist: exists,
  });
  await config.close();
}

interface ImportResult extends Omit<RestoreResult, 'reason' | 'actor'> {
  readonly reason: string | null;
  readonly actor: string | null;
}

function text(
  { output }: Invocation,
  {
    environment,
    live,
    persisted,
    revision,
    changes,
    dryRun,
    addedFeatures,
  }: ImportResult & { dryRun: boolean; addedFeatures: readonly string[] },
): string {
  const programs = live ? 'running programs have it' : 'no program is running';
  return [
    ...(addedFeatures.length > 0 ? [`${dryRun ? 'would register' : 'registered'} ${addedFeatures.join(', ')}`] : []),
    ...(changes.length > 0 ? paintChanges(output, changes) : [`nothing is different in ${environment}`]),
    output.colors.dim(
      persisted
        ? `${programs}; persisted as revision ${revision}`
        : 'nothing was changed, this is what would be different',
    ),
  ].join('\n');
}
