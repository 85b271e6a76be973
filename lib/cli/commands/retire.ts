import type { ProductionConfig, RestoreOptions, RetiredFeature } from '13byte-config';
import { changeNote, type ChangeResult, committing, defaultReason, ifRevision, openersOf } from '../change';
import type { CommandDefinition, Invocation } from '../command';
import { usageError } from '../errors';
import { needHistory } from '../restore';
import { changing, type Check, identityOf, readingPersisted } from '../session';
import { checkFeatureNames, unknownFeature } from '../suggest';

export const retire: CommandDefinition = {
  name: 'retire',
  summary: 'retire features that no program needs any more, all or none; without names, list the retired ones',
  description:
    'A retired feature disappears from lists, views and exports. Programs that still ask for it get its last value, and one ' +
    'that lists it brings it back. When no bit is left for a new name, it gets that of the longest retired one, as soon as a ' +
    'program opens the database that nobody else has open.',
  arguments: [{ term: '[features...]', summary: 'names of features', completion: 'features' }],
  options: [{ flags: '--force', summary: 'also if they are on in some environment' }],
  changes: true,
  examples: ['retire old_checkout --db ./config.db --env production', 'retire --db ./config.db'],
  run: async (invocation) => {
    const { target, output } = invocation;
    const names = namesOf(invocation);
    if (names.length > 0) {
      const { force } = invocation.options as { force?: boolean };
      const check: Check = (config) => checkFeatureNames(names, config);
      return await change(invocation, 'retire', names, check, (config, options) =>
        config.retireFeature(names, { ...options, force }),
      );
    }
    needHistory(target, 'retire');
    const retired = await readingPersisted(target, (config) => config.getRetiredFeatures());
    output.result({ database: target.db, retired: retired.map(toResult) }, () =>
      retired.length === 0
        ? 'no feature is retired'
        : output.table(
            ['feature', 'bit', 'retired'],
            retired.map(({ name, bit, retiredAt }) => [name, `${bit}`, retiredAt.toISOString()]),
          ),
    );
  },
};

export const revive: CommandDefinition = {
  name: 'revive',
  summary: 'take back that features were retired, all or none',
  arguments: [{ term: '<features...>', summary: 'names of retired features', completion: 'retired' }],
  changes: true,
  examples: ['revive old_checkout --db ./config.db --env production'],
  run: async (invocation) => {
    const names = namesOf(invocation);
    const check: Check = async (config) => {
      const retired = (await config.getRetiredFeatures()).map(({ name }) => name);
      const present = config.getFeatureNames();
      for (const name of names) {
        if (present.includes(name)) throw usageError(`Feature ${name} is not retired`);
        if (!retired.includes(name)) throw unknownFeature(name, retired);
      }
    };
    return await change(invocation, 'revive', names, check, (config, options) => config.reviveFeature(names, options));
  },
};

function namesOf(invocation: Invocation): string[] {
  return [...new Set(invocation.arguments[0] as string[])];
}

async function change(
  { target, output }: Invocation,
  command: string,
  names: readonly string[],
  check: Check,
  make: (config: ProductionConfig<string>, options: RestoreOptions) => Promise<{ readonly revision: number }>,
): Promise<void> {
  needHistory(target, command);
  if (target.create) throw usageError(`--create cannot be combined with ${command}, which needs features`);
  const result = await changing(target, check, async (session) => {
    const { config } = session;
    const before = config.getFeatureNames();
    const reason = target.reason ?? defaultReason([command, ...names]);
    const { revision } = await committing(session, false, () => make(config, { reason, ...ifRevision(target) }));
    const retired = await config.getRetiredFeatures();
    return {
      ...identityOf(session),
      changed: config.getFeatureNames().length !== before.length,
      persisted: true,
      revision,
      openIn: openersOf(session),
      retired: retired.map(toResult),
    } satisfies ChangeResult & { retired: object[] };
  });
  output.result(result, () =>
    [...names.map((name) => `${name} is ${command}d`), output.colors.dim(changeNote(result))].join('\n'),
  );
}

function toResult({ name, bit, retiredAt }: RetiredFeature): object {
  return { name, bit, retiredAt: retiredAt.toISOString() };
}
