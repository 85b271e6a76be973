import { type FeatureTable, namesOf } from '../feature-table';
import { FULL_ROLLOUT } from '../generated/layout';
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
} from '../page';
import { toHex } from '../record';
import { toPercent } from '../rollout';
import type { Mutable } from './state';
import { modeName, type TerminalModeName, unpackTerminal } from '../terminal';
import type { Timings } from './timings';

/** A state for people to read. The object and all in it are frozen; an unchanged state gives the same object again. */
export interface DebugView<Name extends string = string> {
  /** Record format, 1. */
  readonly version: number;
  /** Hash of the feature names. */
  readonly registryHash: number;
  /** The environment of the config. */
  readonly environment: string;
  /** Names of the features that are on and off, in bit order. */
  readonly features: { readonly enabled: readonly Name[]; readonly disabled: readonly Name[] };
  readonly terminal: {
    /** 0 disabled, 1 cooked, 2 raw, 3 pipe. */
    readonly mode: number;
    readonly modeName: TerminalModeName;
    /** Rows and columns, such as `50x120`. */
    readonly dimensions: string;
    readonly rows: number;
    readonly cols: number;
  };
  /** Per cent of each feature that is not rolled out to everyone. */
  readonly rollouts: { readonly [name: string]: number };
  /** The 13 bytes. */
  readonly raw: { readonly hex: string; readonly bytes: readonly number[] };
  /** Grows with every applied change; a rollback or promotion takes a large step. */
  readonly generation: number;
  /** The last persisted revision; `null` when there is none. */
  readonly revision: number | null;
  /** Where the history is kept, and whether it can be. */
  readonly store: StoreStatus;
  /** With `debugMode`: how long the operations took. */
  readonly timings?: Timings;
}

/** Where the history is kept, and whether it can be. */
export interface StoreStatus {
  /** `none` without `persistPath`; `degraded` when the database could not be opened. */
  readonly status: 'none' | 'ok' | 'degraded';
  /** The database file. */
  readonly path?: string;
  /** Why the store is degraded. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** The parts of a view that flags, terminal and registry hash decide. */
interface StateParts<Name extends string> {
  readonly registryHash: number;
  readonly terminalWord: number;
  readonly features: DebugView<Name>['features'];
  readonly terminal: DebugView['terminal'];
  readonly raw: DebugView['raw'];
}

/** How many states' parts are kept. A feature that is flipped now and then goes back and forth between few of them. */
const MAX_KEPT = 32;

/**
 * Makes the views of a page for one table of names. It keeps the parts of the last states, since making and freezing their arrays takes most of
 * the time: microseconds on JavaScriptCore.
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
    // The generation is read first, so the view is never older than it says.
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
