import { type FeatureTable, namesOf } from '../core/feature-table';
import { FULL_ROLLOUT } from '../core/layout';
import {
  banksFor,
  type Page,
  packRecord,
  readGeneration,
  readRegistryHash,
  readRevision,
  readState,
  readVersion,
  splitState,
} from '../core/page';
import { readBetweenChanges, readFlagsAfter, readRollouts } from '../core/page-state';
import { toHex } from '../core/record';
import { toPercent } from '../core/rollout';
import type { Mutable } from '../core/state';
import { modeName, packedTerminal, unpackTerminal } from '../core/terminal';
import type { DebugView, StoreStatus, Timings } from '../types';

/** The parts of a view that depend on flags, terminal and registry hash. */
interface StateParts<Name extends string> {
  readonly registryHash: number;
  readonly terminalWord: number;
  readonly features: DebugView<Name>['features'];
  readonly terminal: DebugView['terminal'];
  readonly raw: DebugView['raw'];
}

/** What is read of a page for a view. */
interface Seen {
  readonly flags: readonly number[];
  readonly terminalWord: number;
  /** Basis points by bit. */
  readonly rollouts: readonly number[];
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
  readonly #banks: number;
  /** By the flags of the state. */
  readonly #parts = new Map<number | string, StateParts<Name>>();
  #seen: Seen | undefined;
  #rollouts: { readonly basisPoints: readonly number[]; readonly view: DebugView['rollouts'] } | undefined;

  constructor(page: Page, table: FeatureTable, environment: string) {
    this.#page = page;
    this.#table = table;
    this.#environment = environment;
    this.#banks = banksFor(table.names.length);
  }

  make(store: StoreStatus, timings?: Timings): DebugView<Name> {
    // The generation is read first, so the view is never older than the generation.
    const generation = readGeneration(this.#page);
    const { flags, terminalWord, rollouts } = this.#look();
    const registryHash = readRegistryHash(this.#page);
    const key = flags.length === 1 ? flags[0]! : flags.join();
    const known = this.#parts.get(key);
    const isCurrent = known?.registryHash === registryHash && known.terminalWord === terminalWord;
    const { features, terminal, raw } = isCurrent ? known : this.#makeParts(key, registryHash, flags, terminalWord);
    const view: Mutable<DebugView<Name>> = {
      version: readVersion(this.#page),
      registryHash,
      environment: this.#environment,
      features,
      terminal,
      rollouts: this.#viewRollouts(rollouts),
      raw,
      generation,
      revision: readRevision(this.#page) || null,
      store: deepFreeze(store),
    };
    if (timings) view.timings = deepFreeze(timings);
    return Object.freeze(view);
  }

  #look(): Seen {
    const page = this.#page;
    const before = this.#seen;
    this.#seen = readBetweenChanges(
      page,
      () => {
        const { flags: first, terminal: terminalWord } = splitState(readState(page));
        const flags = readFlagsAfter(page, this.#banks, first, before?.flags);
        return { flags, terminalWord, rollouts: readRollouts(page, this.#banks, before?.rollouts) };
      },
      ({ flags, terminal, rollouts = [] }) => ({
        flags: flags.slice(0, this.#banks),
        terminalWord: packedTerminal(terminal),
        rollouts,
      }),
    );
    return this.#seen;
  }

  #makeParts(
    key: number | string,
    registryHash: number,
    flags: readonly number[],
    terminalWord: number,
  ): StateParts<Name> {
    const record = packRecord(readVersion(this.#page), registryHash, flags[0]!, terminalWord);
    const { mode, rows, cols } = unpackTerminal(terminalWord);
    const parts: StateParts<Name> = {
      registryHash,
      terminalWord,
      features: deepFreeze({
        enabled: namesOf(this.#table, flags) as Name[],
        disabled: namesOf(
          this.#table,
          flags.map((word) => ~word),
        ) as Name[],
      }),
      terminal: deepFreeze({ mode, modeName: modeName(mode), dimensions: `${rows}x${cols}`, rows, cols }),
      raw: deepFreeze({ hex: toHex(record), bytes: [...record] }),
    };
    if (this.#parts.size >= MAX_KEPT) this.#parts.clear();
    this.#parts.set(key, parts);
    return parts;
  }

  #viewRollouts(basisPoints: readonly number[]): DebugView['rollouts'] {
    if (basisPoints !== this.#rollouts?.basisPoints) {
      this.#rollouts = { basisPoints, view: partialRollouts(this.#table, basisPoints) };
    }
    return this.#rollouts.view;
  }
}

function partialRollouts(table: FeatureTable, basisPoints: readonly number[]): DebugView['rollouts'] {
  const rollouts: { [name: string]: number } = {};
  table.names.forEach((name, bit) => {
    const rollout = basisPoints[bit] ?? FULL_ROLLOUT;
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
