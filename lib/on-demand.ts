/**
 * The second file of the package: the modules that most programs do not need to open a config and use its features. A
 * third of a program's start goes into loading code, whether it runs or not, so this file is loaded after the start.
 */
import { checkKeys, checkSignal } from './core/checks';
import type { ConfigError } from './core/errors';
import { noBitFor } from './core/feature-table';
import type { Internals, OnDemand } from './internals';
import { type Edits, forEachRollout } from './core/draft';
import { native, type NativeNotes } from './native/binding';
import { isLive, readGeneration, readRevision, splitState } from './core/page';
import { readSwitches } from './core/page-state';
import { describeTerminal } from './core/terminal';
import { AutoPersist } from './history/auto-persist';
import { ChangeIterator } from './events/change-iterator';
import { ConfigHistory } from './history/config-history';
import { editsOfBanks, readBanks } from './inspection/banks';
import { readConfigState } from './inspection/config-state';
import { DebugViews } from './inspection/debug-view';
import type { EmitterMethod } from './core/event-emitter';
import { ChangeEmitter, countListeners } from './events/emitter';
import { checkHealth } from './inspection/health';
import { Listening } from './events/listening';
import { isPersisted } from './inspection/persisted';
import { exposeMetrics, measure, type Measured } from './inspection/metrics';
import type {
  ConfigChange,
  ConfigHandle,
  ConfigState,
  DebugView,
  FeatureInfo,
  Health,
  Metrics,
  RecordBytes,
  StoreStatus,
  Validation,
} from './types';

export { compactNames } from './history/compact-names';
export { attach } from './sharing/attach';
export { timedConfig } from './timed-config';

/** The subjects of one config, which checks that it is open. */
export class OnDemandParts<Name extends string> implements OnDemand<Name> {
  readonly history: ConfigHistory<Name>;
  readonly #internals: Internals;
  readonly #autoPersist: AutoPersist | undefined;
  /** Why the last automatic persist failed, until one succeeds. */
  #autoPersistError: Error | undefined;
  #debugView: DebugView<Name> | undefined;
  #debugViews: DebugViews<Name> | undefined;
  #sharedBuffer: SharedArrayBuffer | undefined;
  #listening: Listening<Name> | undefined;
  #emitter: ChangeEmitter<Name> | undefined;

  constructor(internals: Internals) {
    this.#internals = internals;
    this.history = new ConfigHistory<Name>(internals);
    this.#autoPersist = this.#startAutoPersist();
  }

  // ---- Changes that the config has made -----------------------------------------------------------------------

  /** Any of them; those below say which it was. */
  noteChange(): void {
    this.#autoPersist?.touch();
  }

  noteFlags(bank: number, set: number, cleared: number): void {
    this.#listening?.noteFlags(bank, set, cleared);
  }

  noteTerminal(word: number): void {
    this.#listening?.noteTerminal(word);
  }

  noteRollout(bit: number, basisPoints: number): void {
    this.#listening?.noteRollout(bit, basisPoints);
  }

  noteEdits(edits: Edits): void {
    edits.on.forEach((on, bank) => this.noteFlags(bank, on, edits.off[bank]!));
    if (edits.terminal !== undefined) this.noteTerminal(edits.terminal);
    forEachRollout(edits, (bit, basisPoints) => this.noteRollout(bit, basisPoints));
  }

  noteState(before: bigint, after: bigint): void {
    if (!this.#listening) return;
    const [from, to] = [splitState(before), splitState(after)];
    this.#listening.noteFlags(0, to.flags & ~from.flags, from.flags & ~to.flags);
    if (from.terminal !== to.terminal) this.#listening.noteTerminal(to.terminal);
  }

  // ---- Views --------------------------------------------------------------------------------------------------

  get sharedBuffer(): SharedArrayBuffer | undefined {
    if (native.hasSharedBuffers()) {
      this.#sharedBuffer ??= native.pageBuffer(this.#internals.page.handle) as SharedArrayBuffer;
    }
    return this.#sharedBuffer;
  }

  getDebugView(): DebugView<Name> {
    const { page, settings } = this.#internals;
    // New names invalidate the views.
    const table = this.#internals.table();
    const cached = this.#debugView;
    if (
      cached !== undefined &&
      cached.generation === readGeneration(page) &&
      cached.revision === (readRevision(page) || null) &&
      settings.stopwatch === undefined
    ) {
      return cached;
    }
    this.#debugViews ??= new DebugViews<Name>(page, table, settings.environment);
    this.#debugView = this.#debugViews.make(this.#storeStatus(), settings.stopwatch?.read());
    return this.#debugView;
  }

  /** Must be called when there are new names. */
  forgetViews(): void {
    this.#debugView = undefined;
    this.#debugViews = undefined;
  }

  inspect(options: object, inspect: (value: unknown, options: object) => string): string {
    const { environment, features, terminal, revision, store, timings } = this.getDebugView();
    const shown = {
      environment,
      enabled: features.enabled,
      disabled: features.disabled,
      terminal: describeTerminal(terminal),
      revision,
      ...(store.status !== 'none' && { store }),
      ...(timings && { timings }),
    };
    return `ProductionConfig ${inspect(shown, options)}`;
  }

  get persisted(): boolean {
    const { page, settings } = this.#internals;
    return settings.store !== undefined && isPersisted(page, this.#internals.table());
  }

  readFlags(banks: number): readonly number[] {
    return readSwitches(this.#internals.page, banks).flags;
  }

  toBanks(): Uint8Array {
    this.#internals.checkOpen();
    return readBanks(this.#internals.page);
  }

  editsOfBanks(bytes: RecordBytes): Edits {
    return editsOfBanks(this.#internals.page.banks, bytes);
  }

  getState(): ConfigState<Name> {
    return readConfigState(this.#internals.page, this.#internals.table()) as ConfigState<Name>;
  }

  featureInfo<Own extends Name>(name: Own): FeatureInfo<Own> {
    this.#internals.checkOpen();
    const found = this.#internals.findBit(name);
    const bit = found < 0 ? null : found;
    const { store, declarations } = this.#internals.settings;
    let notes: NativeNotes | undefined;
    if (!store) notes = declarations.find(({ name: declared }) => declared === name)?.notes;
    else if (bit !== null) notes = store.notes(bit);
    const expires = notes?.expires ?? null;
    return {
      name,
      bit,
      description: notes?.description ?? null,
      owner: notes?.owner ?? null,
      expires: expires === null ? null : new Date(expires),
      retired: bit !== null && this.#internals.table().retired.has(bit),
    };
  }

  validate(): Validation {
    const { page, settings } = this.#internals;
    const errors = [...native.pageProblems(page.handle, this.#internals.table().names.length), ...this.#withoutBit()];
    const storeError = settings.storeError ?? this.#autoPersistError;
    if (storeError) errors.push(`Persistence is degraded: ${storeError.message}`);
    return { isValid: errors.length === 0, errors };
  }

  async healthCheck(): Promise<Health> {
    const { page, settings } = this.#internals;
    return await checkHealth({
      isClosed: this.#internals.isClosed(),
      readOnly: settings.readOnly,
      store: settings.store,
      storeError: settings.storeError,
      autoPersistError: this.#autoPersistError,
      isLive: isLive(page),
      page: page.handle,
      featureCount: this.#internals.table().names.length,
      featureProblems: this.#withoutBit(),
      pageProblems: () => native.pageProblems(page.handle, this.#internals.table().names.length),
      lostLiveFile: () => native.lostLiveFile(page.handle),
      listeners: () => this.listenerCount('change'),
      listeningProblem: () => this.#listening?.problem,
      ringingProblem: () => native.ringingProblem(page.handle),
    });
  }

  getMetrics(): Metrics {
    return measure(this.#measured());
  }

  metricsText(): string {
    return exposeMetrics(this.#measured());
  }

  // ---- Listeners ----------------------------------------------------------------------------------------------

  emit(method: EmitterMethod, args: unknown[]): void {
    this.#emitter ??= new ChangeEmitter<Name>(this.#internals.config, () => this.#listen());
    this.#emitter.call(method, args);
  }

  listenerCount(event: 'change'): number {
    return countListeners(this.#internals.config, event);
  }

  changes(options: { signal?: AbortSignal | undefined }): AsyncGenerator<ConfigChange<Name>, void, void> {
    return new ChangeIterator<Name>(() => {
      const signal = checkSignal(checkKeys(options, 'options', ['signal'])['signal']);
      return { listening: this.#listen(), signal };
    });
  }

  /** Whether listening keeps the process running. */
  hold(held: boolean): void {
    this.#listen().hold(held);
  }

  // ---- Other threads and processes ----------------------------------------------------------------------------

  share(): ConfigHandle {
    const { page, settings } = this.#internals;
    const { environment, readOnly, store, clusterSync, clusterName, autoPersistMs, actor, stopwatch } = settings;
    const buffer = this.sharedBuffer;
    const table = this.#internals.table();
    return {
      type: '13byte-config',
      pageId: native.offerPage(page.handle),
      environment,
      features: [...table.names],
      ...(settings.withoutBit.length > 0 && { featuresWithoutBit: settings.withoutBit }),
      ...(table.retired.size > 0 && { retiredFeatures: [...table.retired].map((bit) => table.names[bit]!) }),
      ...(store && { persistPath: store.path }),
      enableClusterSync: clusterSync,
      ...(clusterName !== undefined && { clusterName }),
      ...(autoPersistMs !== undefined && { autoPersistMs }),
      readOnly,
      ...(actor !== undefined && { actor }),
      debugMode: stopwatch !== undefined,
      ...(buffer && { buffer }),
    };
  }

  /** Stops listening. Resolves when pending automatic persists are on disk, and rejects if one fails. */
  close(): Promise<unknown> | undefined {
    this.#listening?.close();
    return this.#autoPersist?.end();
  }

  // ---- Inside -------------------------------------------------------------------------------------------------

  /** What is wrong with the names of its list. */
  #withoutBit(): string[] {
    const table = this.#internals.table();
    return this.#internals.settings.withoutBit.map((name) => noBitFor(name, table));
  }

  #listen(): Listening<Name> {
    this.#internals.checkOpen();
    this.#listening ??= new Listening<Name>(this.#internals.page, () => this.#internals.table());
    return this.#listening;
  }

  #startAutoPersist(): AutoPersist | undefined {
    const { store, autoPersistMs, readOnly } = this.#internals.settings;
    if (autoPersistMs === undefined || !store || readOnly) return undefined;
    const persist = async () => {
      await this.history.persistAutomatically(store);
      this.#autoPersistError = undefined;
      this.#debugView = undefined;
    };
    const note = (error: Error) => {
      const isNew = (error as ConfigError).code !== (this.#autoPersistError as ConfigError | undefined)?.code;
      this.#autoPersistError = error;
      this.#debugView = undefined;
      return isNew;
    };
    return new AutoPersist(autoPersistMs, {
      persist,
      failed: (error) => {
        // Not after each attempt: it may be a long time until one succeeds.
        if (note(error)) warn(`${error.message} (it is retried until it succeeds or the config is closed)`);
      },
      lost: (error) => {
        note(error);
        warn(`${error.message} (the program exits without it)`);
        process.exitCode ??= 1;
      },
    });
  }

  #storeStatus(): StoreStatus {
    const { storeStatus } = this.#internals.settings;
    const error = this.#autoPersistError as (Error & { code: string }) | undefined;
    return error
      ? { ...storeStatus, status: 'degraded', error: { code: error.code, message: error.message } }
      : storeStatus;
  }

  #measured(): Measured {
    const { page, settings } = this.#internals;
    return {
      page,
      table: this.#internals.table(),
      environment: settings.environment,
      uptimeMs: this.#internals.uptimeMs(),
      writes: this.#internals.writes(),
      listeners: this.listenerCount('change'),
      listening: this.#listening,
      storeStatus: this.#storeStatus().status,
      store: settings.store,
      stopwatch: settings.stopwatch,
    };
  }
}

function warn(message: string): void {
  process.emitWarning(`A change was not persisted: ${message}`, { type: 'ConfigWarning' });
}
