import { type FeatureTable, namesOf } from '../core/feature-table';
import { FULL_ROLLOUT } from '../core/layout';
import {
  type Page,
  packRecord,
  readGeneration,
  readRegistryHash,
  readRevision,
  readRollouts,
  readState,
  readVersion,
  splitState,
} from '../core/page';
import { toHex } from '../core/record';
import { toPercent } from '../core/rollout';
import type { Mutable } from '../core/state';
import { modeName, unpackTerminal } from '../core/terminal';
import type { DebugView, StoreStatus, Timings } from '../types';

/** The parts of a view that depend on flags, terminal and registry hash. */
interface StateParts<Name extends string> {
  readonly registryHash: number;
  readonly terminalWord: number;
  readonly features: DebugView<Name>['features'];
  readonly terminal: DebugView['terminal'];
  readonly raw: DebugView['raw'];
}

/** The number of cached states. A feature that is flipped occasionally alternates between few states. */
const MAX_KEPT = 32;

/**
 * Creates the views of a page for one table of names. It caches the parts of the last states, since creating and
 * freezing their arrays takes most of the time: microseconds on JavaScriptCore.
 */
export class DebugViews<Name extends string> {
  readonly #page: Page;
  readonly #table: FeatureTable;
  readonly #environment: string;
  /** By the flags of the state. */
  readonly #parts = new Map<number, StateParts<Name>>();
  #rollouts: { readonly basisPoints: readonly number[]; readonly view: DebugView['rollouts'] } | undefined;

  constructor(page: Page, table: FeatureTable, environment: string) {
    this.#page = page;
    this.#table = table;
    this.#environment = environment;
  }

  make(store: StoreStatus, timings?: Timings): DebugView<Name> {
    // The generation is read first, so the view is never older than the generation.
    const generation = readGeneration(this.#page);
    const { flags, terminal: terminalWord } = splitState(readState(this.#page));
    const registryHash = readRegistryHash(this.#page);
    const known = this.#parts.get(flags);
    const isCurrent = known?.registryHash === registryHash && known.terminalWord === terminalWord;
    const { features, terminal, raw } = isCurrent ? known : this.#makeParts(registryHash, flags, terminalWord);
    const view: Mutable<DebugView<Name>> = {
      version: readVersion(this.#page),
      registryHash,
      environment: this.#environment,
      features,
      terminal,
      rollouts: this.#readRollouts(),
      raw,
      generation,
      revision: readRevision(this.#page) || null,
      store: deepFreeze(store),
    };
    if (timings) view.timings = deepFreeze(timings);
    return Object.freeze(view);
  }

  #makeParts(registryHash: number, flags: number, terminalWord: number): StateParts<Name> {
    const record = packRecord(readVersion(this.#page), registryHash, flags, terminalWord);
    const { mode, rows, cols } = unpackTerminal(terminalWord);
    const parts: StateParts<Name> = {
      registryHash,
      terminalWord,
      features: deepFreeze({
        enabled: namesOf(this.#table, flags) as Name[],
        disabled: namesOf(this.#table, ~flags) as Name[],
      }),
      terminal: deepFreeze({ mode, modeName: modeName(mode), dimensions: `${rows}x${cols}`, rows, cols }),
      raw: deepFreeze({ hex: toHex(record), bytes: [...record] }),
    };
    if (this.#parts.size >= MAX_KEPT) this.#parts.clear();
    this.#parts.set(flags, parts);
    return parts;
  }

  #readRollouts(): DebugView['rollouts'] {
    const basisPoints = readRollouts(this.#page, this.#rollouts?.basisPoints);
    if (basisPoints !== this.#rollouts?.basisPoints) {
      this.#rollouts = { basisPoints, view: partialRollouts(this.#table, basisPoints) };
    }
    return this.#rollouts.view;
  }
}

function partialRollouts(table: FeatureTable, basisPoints: readonly number[]): DebugView['rollouts'] {
  const rollouts: { [name: string]: number } = {};
  table.names.forEach((name, bit) => {
    const rollout = basisPoints[bit]!;
    if (rollout !== FULL_ROLLOUT) rollouts[name] = toPercent(rollout);
  });
  return Object.freeze(rollouts);
}

function deepFreeze<T extends object>(value: T): T {
  if (Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) deepFreeze(part);
  }
  return Object.freeze(value);
}
