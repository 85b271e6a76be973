import type { ProductionConfig } from './config';
import type { StoreStatus } from './extras/debug-view';
import type { Stopwatch } from './extras/timings';
import type { FeatureTable } from './feature-table';
import type { Page } from './page';
import type { Store, StoreAnswer } from './store';

/** How a config was opened. One object serves all configs that were opened alike. */
export interface Settings {
  readonly environment: string;
  readonly actor: string | undefined;
  readonly readOnly: boolean;
  readonly store: Store | undefined;
  readonly storeStatus: StoreStatus;
  /** Why the store is degraded. */
  readonly storeError: Error | undefined;
  readonly stopwatch: Stopwatch | undefined;
  readonly clusterSync: boolean;
  readonly clusterName: string | undefined;
  readonly autoPersistMs: number | undefined;
}

/** A config as its extras see it. */
export interface Inside<Name extends string> {
  readonly config: ProductionConfig<Name>;
  readonly page: Page;
  readonly settings: Settings;
  isClosed(): boolean;
  checkOpen(): void;
  checkWritable(): void;
  /** The flag of a feature; throws when there is none. */
  maskOf(name: string): number;
  /** The feature table of the moment. */
  table(): FeatureTable;
  /**
   * The table of the database, which may have names that other programs have added. A private page takes them over; a
   * live page has a table of its own, which gets them when a process that needs them opens it.
   */
  adopt(answer: StoreAnswer): FeatureTable;
  /** How long there has been this config. */
  uptimeMs(): number;
  /** Changes made through this config. */
  writes(): number;
}
