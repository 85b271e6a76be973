import type { CommandDefinition } from '../command';
import { type FeatureState, featureStates, MATCH, matchingNames, notesOf } from '../features';
import { lastChanges } from '../last-change';
import { wholeNumber } from '../options';
import { oneLine } from '../output';
import { findPlaces, type Place } from '../places';
import { identityOf, needDatabase, reading } from '../session';

const DEFAULT_DAYS = 40;

const DAY_MS = 86_400_000;

/** A century. */
const MAX_DAYS = 36_500;

export const stale: CommandDefinition = {
  name: 'stale',
  summary: 'list features that have expired, or have long been fully on or off, so that they can be removed',
  description:
    'A feature is stale if the date in its declaration is past, or if it is on for every key or for none and the history has ' +
    'no change of it for some days. A history that is younger says nothing.',
  options: [
    {
      flags: '--days <number>',
      summary: `for how many days it has not changed; default: ${DEFAULT_DAYS}`,
      parse: (text) => wholeNumber(text, '--days', 1, MAX_DAYS),
    },
    {
      flags: '--in <directory>',
      summary: 'and where its files name them; in a repository, those that git tracks',
      completion: 'files',
    },
    MATCH,
  ],
  examples: ['stale --db ./config.db --env production', 'stale --days 90 --in src'],
  run: ({ options, target, output }) => {
    needDatabase(target.db);
    return reading(target, async (session) => {
      const { config } = session;
      const { days = DEFAULT_DAYS, in: directory } = options as { days?: number; in?: string };
      const all = featureStates(config, matchingNames(config, options), (name) => notesOf(config, name));
      const { changes, begins } = await lastChanges(
        config,
        all.map(({ name }) => name),
      );
      const limit = new Date(Date.now() - days * DAY_MS).toISOString();
      const found = all.flatMap((feature) => {
        const lastChange = changes.get(feature.name) ?? null;
        const since = lastChange?.at ?? begins;
        const isUnchanged = isDecided(feature) && since !== null && since <= limit;
        return feature.expired || isUnchanged
          ? [{ ...feature, unchangedSince: isUnchanged ? since : null, lastChange }]
          : [];
      });
      const places =
        directory === undefined
          ? undefined
          : await findPlaces(
              directory,
              found.map(({ name }) => name),
            );
      const features = found.map((feature) => Object.assign(feature, { places: places?.get(feature.name) ?? null }));
      output.result({ ...identityOf(session), days, features }, () => {
        if (features.length === 0) return `no stale features in ${config.environment}`;
        const rows = features.map(
          ({ name, enabled, rollout, owner, expires, expired, unchangedSince, places: own }) => [
            name,
            `${output.onOrOff(enabled)}${enabled ? ` for ${rollout}%` : ''}`,
            [expired ? `expired ${expires}` : '', unchangedSince === null ? '' : `unchanged since ${unchangedSince}`]
              .filter(Boolean)
              .join(', '),
            owner === null ? '' : oneLine(owner),
            own ? placesText(own) : '',
          ],
        );
        return output.table(['feature', 'state', 'why', 'owner', 'named in'], rows);
      });
    });
  },
};

/** Whether it is on for every key, or for none. */
function isDecided({ enabled, rollout }: FeatureState): boolean {
  return !enabled || rollout === 0 || rollout === 100;
}

function placesText(places: readonly Place[]): string {
  return places.length === 0 ? 'no file' : places.map(({ file, line }) => `${oneLine(file)}:${line}`).join(' ');
}
