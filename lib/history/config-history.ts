import { checkBoolean, checkInteger, checkKeys, checkReason } from '../core/checks';
import { collectEdits, isEmpty } from '../core/draft';
import { makeError, show } from '../core/errors';
import { MAX_HISTORY_LIMIT } from '../core/limits';
import type { HistoryMethods, Internals } from '../internals';
import type { NativeRevision } from '../native/binding';
import { defaultActor } from '../native/actor';
import { checkActor, checkEnvironment, checkPath } from '../options';
import { isLive } from '../core/page';
import type { CheckedRestore, Store, StoreAnswer } from '../native/store';
import { backUpDatabase, pruneHistory, verifyHistory } from './audit';
import { checkState } from '../inspection/config-state';
import { toDiff, toHistoryEntry } from './entry';
import type {
  BackupOptions,
  BackupResult,
  ConfigDiff,
  ConfigDraft,
  ConfigState,
  HistoryEntry,
  PruneOptions,
  PruneResult,
  RestoreOptions,
  RetiredFeature,
  RetireOptions,
  RevisionOptions,
  Verification,
  VerifyOptions,
} from '../types';

/** The history of a config: the implementation of its methods of the same names. */
export class ConfigHistory<Name extends string> implements HistoryMethods<Name> {
  readonly #internals: Internals;

  constructor(internals: Internals) {
    this.#internals = internals;
  }

  async persist(reason: string, options: RevisionOptions): Promise<HistoryEntry> {
    const { store, actor, ifRevision } = this.#checkPersist(reason, options);
    return this.#entry(await store.persist(this.#internals.page.handle, reason, actor, ifRevision));
  }

  persistSync(reason: string, options: RevisionOptions): HistoryEntry {
    const { store, actor, ifRevision } = this.#checkPersist(reason, options);
    return this.#entry(store.persistSync(this.#internals.page.handle, reason, actor, ifRevision));
  }

  async load(): Promise<boolean> {
    const { page } = this.#internals;
    const store = isLive(page) ? this.#writableStore() : this.#openStore();
    const answer = await store.load(page.handle);
    this.#internals.adopt(answer);
    return answer.revisions.length > 0;
  }

  async getHistory(limit: number, options: { before?: number | undefined }): Promise<HistoryEntry[]> {
    checkInteger(limit, 'limit', 1, MAX_HISTORY_LIMIT);
    const { before } = checkKeys(options, 'options', ['before']);
    const answer = await this.#openStore().history(
      limit,
      before === undefined ? undefined : checkRevision(before, 'before'),
    );
    const table = this.#internals.adopt(answer);
    return answer.revisions.map((revision) => toHistoryEntry(revision, table));
  }

  async rollback(revision: number | undefined, options: RestoreOptions): Promise<HistoryEntry> {
    const to = revision === undefined ? undefined : checkRevision(revision, 'revision');
    const checked = this.#checkRestoreOptions(options);
    const store = this.#writableStore();
    return this.#entry(await store.rollback(this.#internals.page.handle, to, checked));
  }

  async apply(state: ConfigState<Name>, reason: string, options: RevisionOptions): Promise<HistoryEntry> {
    checkReason(reason);
    const { actor, ifRevision } = this.#checkRevisionOptions(options);
    const store = this.#writableStore();
    const given = checkState(state, (name) => this.#internals.bitOf(name));
    return this.#entry(await store.apply(this.#internals.page.handle, given, reason, actor, ifRevision));
  }

  async commit(
    edit: (draft: ConfigDraft<Name>) => void,
    reason: string,
    options: RevisionOptions,
  ): Promise<HistoryEntry> {
    checkReason(reason);
    const { actor, ifRevision } = this.#checkRevisionOptions(options);
    const store = this.#writableStore();
    const edits = collectEdits<Name>('commit', edit, (name) => this.#internals.bitOf(name));
    if (isEmpty(edits)) {
      throw makeError('ERR_INVALID_VALUE', 'Invalid commit: it sets nothing (make at least one change on the draft)');
    }
    return this.#entry(await store.commit(this.#internals.page.handle, edits, reason, actor, ifRevision));
  }

  async retire(name: string | readonly string[], options: RetireOptions): Promise<HistoryEntry> {
    const { force = false, ...rest } = checkKeys(options, 'options', ['force', 'reason', 'actor', 'ifRevision']);
    const forced = checkBoolean(force, 'force');
    const checked = this.#checkRestoreOptions(rest as RestoreOptions);
    const store = this.#writableStore();
    const bits = this.#bitsOf(name);
    return this.#entry(await store.retire(this.#internals.page.handle, bits, forced, checked));
  }

  async revive(name: string | readonly string[], options: RestoreOptions): Promise<HistoryEntry> {
    const checked = this.#checkRestoreOptions(options);
    const store = this.#writableStore();
    const bits = this.#bitsOf(name);
    return this.#entry(await store.revive(this.#internals.page.handle, bits, checked));
  }

  async getRetired(): Promise<RetiredFeature[]> {
    return this.#openStore()
      .retired()
      .map(({ name, bit, at }) => ({ name, bit, retiredAt: new Date(at) }));
  }

  async diff(from: number, to: number): Promise<ConfigDiff> {
    checkRevision(from, 'revision');
    checkRevision(to, 'revision');
    const answer = await this.#openStore().compare(from, to);
    const [older, newer] = answer.revisions as [NativeRevision, NativeRevision];
    return toDiff(older, newer, this.#internals.adopt(answer));
  }

  async getEnvironments(): Promise<string[]> {
    const { names } = await this.#openStore().environments();
    return names;
  }

  async promote(fromEnvironment: string, options: RestoreOptions): Promise<HistoryEntry> {
    const from = checkEnvironment(fromEnvironment);
    if (from === this.#internals.settings.environment) {
      throw makeError(
        'ERR_INVALID_VALUE',
        `Invalid environment: ${show(from)} (must differ from this config's environment)`,
      );
    }
    const checked = this.#checkRestoreOptions(options);
    const store = this.#writableStore();
    return this.#entry(await store.promote(this.#internals.page.handle, from, checked));
  }

  async verify(options: VerifyOptions): Promise<Verification> {
    return await verifyHistory(this.#openStore(), options);
  }

  async prune(options: PruneOptions): Promise<PruneResult> {
    return await pruneHistory(this.#writableStore(), this.#internals.page, options, (actor) => this.#actor(actor));
  }

  async backup(path: string, options: BackupOptions): Promise<BackupResult> {
    const store = this.#openStore();
    return await backUpDatabase(store, checkPath(path, 'path'), options);
  }

  /** Persists the state unless the last revision already holds it. */
  async persistAutomatically(store: Store): Promise<void> {
    await store.persist(this.#internals.page.handle, 'auto', this.#actor(undefined), undefined, true);
  }

  #bitsOf(given: string | readonly string[]): number[] {
    const names = Array.isArray(given) ? (given as readonly string[]) : [given as string];
    if (names.length === 0) {
      throw makeError('ERR_INVALID_VALUE', 'Invalid feature names: an empty list (must have at least one)');
    }
    return names.map((name) => this.#internals.bitOf(name));
  }

  #openStore(): Store {
    this.#internals.checkOpen();
    const { store, storeError } = this.#internals.settings;
    if (store) return store;
    if (storeError) {
      throw makeError(
        'ERR_STORE_DEGRADED',
        `Nothing is persisted, since the database could not be opened: ${storeError.message}`,
        storeError,
      );
    }
    throw makeError('ERR_PERSISTENCE_DISABLED', 'Persistence not enabled. Initialize with persistPath option.');
  }

  #writableStore(): Store {
    this.#internals.checkWritable();
    return this.#openStore();
  }

  #checkPersist(
    reason: string,
    options: RevisionOptions,
  ): { store: Store; actor: string; ifRevision: number | undefined } {
    checkReason(reason);
    const checked = this.#checkRevisionOptions(options);
    return { store: this.#writableStore(), ...checked };
  }

  #checkRestoreOptions(options: RestoreOptions): CheckedRestore {
    const { reason, ...rest } = checkKeys(options, 'options', ['reason', 'actor', 'ifRevision']);
    return {
      reason: reason === undefined ? undefined : checkReason(reason),
      ...this.#checkRevisionOptions(rest as RevisionOptions),
    };
  }

  #checkRevisionOptions(options: RevisionOptions): { actor: string; ifRevision: number | undefined } {
    const { actor, ifRevision } = checkKeys(options, 'options', ['actor', 'ifRevision']);
    return {
      actor: this.#actor(actor),
      ifRevision:
        ifRevision === undefined ? undefined : checkInteger(ifRevision, 'ifRevision', 0, Number.MAX_SAFE_INTEGER),
    };
  }

  #actor(given: unknown): string {
    return given === undefined ? (this.#internals.settings.actor ?? defaultActor()) : checkActor(given);
  }

  #entry(answer: StoreAnswer): HistoryEntry {
    const [revision] = answer.revisions as [NativeRevision];
    return toHistoryEntry(revision, this.#internals.adopt(answer));
  }
}

function checkRevision(revision: unknown, what: string): number {
  return checkInteger(revision, what, 1, Number.MAX_SAFE_INTEGER);
}
