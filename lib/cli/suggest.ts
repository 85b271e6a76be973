import type { ProductionConfig } from '13byte-config';
import { distance } from 'fastest-levenshtein';
import { printable } from '../core/errors';
import { CliError } from './errors';

/** Two words with more edits than this share of the longer one are different words, not misspellings. */
const LARGEST_DIFFERENCE = 0.4;

/** Longer words are not misspelt names, and comparing them takes long. */
const LONGEST_WORD = 200;

/** The most similar of the words, if any is similar enough. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  if (word.length > LONGEST_WORD) return undefined;
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of words) {
    const edits = distance(word.toLowerCase(), candidate.toLowerCase());
    const isNear = edits <= Math.max(word.length, candidate.length) * LARGEST_DIFFERENCE;
    if (isNear && edits < bestDistance) [best, bestDistance] = [candidate, edits];
  }
  return best;
}

/** Throws for the first name that is not a feature of the config, before anything is changed. */
export function checkFeatureNames(names: readonly string[], config: ProductionConfig<string>): void {
  const known = config.getFeatureNames();
  for (const name of names) {
    if (known.includes(name)) continue;
    if (config.hasFeature(name)) {
      throw new CliError('ERR_UNKNOWN_FEATURE', `Feature ${name} is retired. Take that back with: revive ${name}`);
    }
    throw unknownFeature(name, known);
  }
}

/** The error for a name that is not one of those known. */
export function unknownFeature(name: string, known: readonly string[]): CliError {
  const available = known.length > 0 ? known.join(', ') : 'none';
  return new CliError(
    'ERR_UNKNOWN_FEATURE',
    `Unknown feature: ${printable(name)}.${hint(name, known)} Available: ${available}`,
  );
}

/** A sentence that suggests the most similar word, with a space before it; empty if there is none. */
export function hint(word: string, words: readonly string[]): string {
  const best = nearest(word, words);
  return best === undefined ? '' : ` Did you mean ${best}?`;
}
