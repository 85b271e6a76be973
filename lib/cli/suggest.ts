import { distance } from 'fastest-levenshtein';
import { printable } from '../core/errors';
import { CliError } from './errors';

/** Edits as a part of the longer word, beyond which two words are different rather than misspelt. */
const LARGEST_DIFFERENCE = 0.4;

/** Longer ones are no misspelt name, and comparing them takes long. */
const LONGEST_WORD = 200;

/** The nearest of the words, if one is near. */
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

/** Throws for the first name that no feature has, before anything is changed. */
export function checkFeatureNames(names: readonly string[], known: readonly string[]): void {
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new CliError(
      'ERR_UNKNOWN_FEATURE',
      `Unknown feature: ${printable(name)}.${hint(name, known)} Available: ${known.join(', ')}`,
    );
  }
}

/** A sentence that names the nearest word, with a space before it, if there is one. */
export function hint(word: string, words: readonly string[]): string {
  const best = nearest(word, words);
  return best === undefined ? '' : ` Did you mean ${best}?`;
}
