import { type FeatureTable, namesOf } from './feature-table';
import { FULL_ROLLOUT } from './generated/layout';
import { type Page, readGeneration, readRecord, readRevision, readRollout } from './page';
import { toHex } from './record';
import { toPercent } from './rollout';
import { modeName, type TerminalModeName, unpackTerminal } from './terminal';
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

export function makeDebugView<Name extends string>(
  page: Page,
  table: FeatureTable,
  environment: string,
  store: StoreStatus,
  timings?: Timings,
): DebugView<Name> {
  // The generation is read first, so the view is never older than it says.
  const generation = readGeneration(page);
  const record = readRecord(page);
  const fields = new DataView(record.buffer);
  const flags = fields.getUint32(5, true);
  const terminal = unpackTerminal(fields.getUint32(9, true));
  return deepFreeze({
    version: fields.getUint8(0),
    registryHash: fields.getUint32(1, true),
    environment,
    features: {
      enabled: namesOf(table, flags) as Name[],
      disabled: namesOf(table, ~flags) as Name[],
    },
    terminal: {
      mode: terminal.mode,
      modeName: modeName(terminal.mode),
      dimensions: `${terminal.rows}x${terminal.cols}`,
      rows: terminal.rows,
      cols: terminal.cols,
    },
    rollouts: partialRollouts(page, table),
    raw: { hex: toHex(record), bytes: [...record] },
    generation,
    revision: readRevision(page) || null,
    store,
    ...(timings && { timings }),
  });
}

function partialRollouts(page: Page, table: FeatureTable): { [name: string]: number } {
  const rollouts: { [name: string]: number } = {};
  table.names.forEach((name, bit) => {
    const basisPoints = readRollout(page, bit);
    if (basisPoints !== FULL_ROLLOUT) rollouts[name] = toPercent(basisPoints);
  });
  return rollouts;
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) deepFreeze(part);
  }
  return Object.freeze(value);
}
