import { wrongThis } from './errors';
import { WORD_FEATURE_FLAGS } from './layout';
import { loadWord } from './load-word';
import { BANK_BITS, type Page } from './page';
import type { Feature } from '../types';

/** Whether features may read the page of their config directly: not if it is closed or times its operations. */
export interface DirectReads {
  allowed: boolean;
}

/** What a feature needs of its config. */
export interface FeatureAccess<Name extends string> {
  isFeatureEnabled(name: Name): boolean;
  enableFeature(name: Name): boolean;
  disableFeature(name: Name): boolean;
  isFeatureEnabledFor(name: Name, key: string): boolean;
  getRollout(name: Name): number;
}

/** A class: engines access the accessors of an object literal through a dictionary. */
export class FeatureOfConfig<Name extends string> implements Feature<Name> {
  readonly name: Name;
  readonly #config: FeatureAccess<Name>;
  readonly #directReads: DirectReads;
  readonly #words: Int32Array;
  readonly #index: number;
  readonly #mask: number;

  /** @param bit - That of this name, which never changes; negative for one that has none. */
  constructor(config: FeatureAccess<Name>, name: Name, bit: number, { views, base }: Page, directReads: DirectReads) {
    this.name = name;
    this.#config = config;
    this.#directReads = directReads;
    this.#words = views.words;
    this.#index = base + WORD_FEATURE_FLAGS + (bit < 0 ? 0 : bit & BANK_BITS);
    this.#mask = bit < 0 ? 0 : 1 << bit;
  }

  get enabled(): boolean {
    if (!this.#directReads.allowed) return this.#config.isFeatureEnabled(this.name);
    return (loadWord(this.#words, this.#index) & this.#mask) !== 0;
  }

  enable(): boolean {
    return FeatureOfConfig.#configOf(this).enableFeature(this.name);
  }

  disable(): boolean {
    return FeatureOfConfig.#configOf(this).disableFeature(this.name);
  }

  isEnabledFor(key: string): boolean {
    return FeatureOfConfig.#configOf(this).isFeatureEnabledFor(this.name, key);
  }

  get rollout(): number {
    return FeatureOfConfig.#configOf(this).getRollout(this.name);
  }

  toJSON(): { readonly name: Name; readonly enabled: boolean; readonly rollout: number } {
    FeatureOfConfig.#configOf(this);
    return { name: this.name, enabled: this.enabled, rollout: this.rollout };
  }

  static #configOf<Name extends string>(feature: FeatureOfConfig<Name>): FeatureAccess<Name> {
    if (feature == null || !(#config in feature)) throw notAFeature(feature);
    return feature.#config;
  }
}

function notAFeature(self: unknown): Error {
  return wrongThis(self, 'feature.isEnabledFor.bind(feature)');
}
