import { type FeatureTable, namesOf, withoutRetired } from '../core/feature-table';
import { FULL_ROLLOUT } from '../core/layout';
import {
  banksFor,
  type Page,
  packRecord,
  readGeneration,
  readRegistryHash,
  readRevision,
  readVersion,
} from '../core/page';
import { readPageState } from '../core/page-state';
import { toHex } from '../core/record';
import { toPercent } from '../core/rollout';
import type { Mutable, State } from '../core/state';
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

const NONE: readonly number[] = Object.freeze([]);

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
  #seen: State | undefined;
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
    const seen = readPageState(this.#page, this.#banks, this.#seen);
    this.#seen = seen;
    const { flags, terminal: terminalWord } = seen;
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
      rollouts: this.#viewRollouts(seen.rollouts ?? NONE),
      raw,
      generation,
      revision: readRevision(this.#page) || null,
      store: deepFreeze(store),
    };
    if (timings) view.timings = deepFreeze(timings);
    return Object.freeze(view);
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
      features: this.#banks === 1 ? this.#makeLists(flags) : this.#makeListsLater(flags),
      terminal: deepFreeze({ mode, modeName: modeName(mode), dimensions: `${rows}x${cols}`, rows, cols }),
      raw: deepFreeze({ hex: toHex(record), bytes: [...record] }),
    };
    if (this.#parts.size >= MAX_KEPT) this.#parts.clear();
    this.#parts.set(key, parts);
    return parts;
  }

  #makeLists(flags: readonly number[]): DebugView<Name>['features'] {
    const others = flags.map((word) => ~word);
    return deepFreeze({
      enabled: namesOf(this.#table, withoutRetired(this.#table, flags)) as Name[],
      disabled: namesOf(this.#table, withoutRetired(this.#table, others)) as Name[],
    });
  }

  /** The same for many names, when they are first read: freezing 256 takes JavaScriptCore 40 µs. */
  #makeListsLater(flags: readonly number[]): DebugView<Name>['features'] {
    let lists: DebugView<Name>['features'] | undefined;
    const make = () => (lists ??= this.#makeLists(flags));
    const later = {
      get enabled() {
        return make().enabled;
      },
      get disabled() {
        return make().disabled;
      },
    };
    // Otherwise `console.log` would show functions.
    Object.defineProperty(later, Symbol.for('nodejs.util.inspect.custom'), { value: make });
    return Object.freeze(later);
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
    if (rollout !== FULL_ROLLOUT && !table.retired.has(bit)) rollouts[name] = toPercent(rollout);
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
