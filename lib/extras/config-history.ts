import { checkInteger, checkKeys, checkText } from '../checks';
import { makeError, show } from '../errors';
import type { Inside } from '../inside';
import { native, type NativeRevision } from '../native';
import { checkActor, checkEnvironment, checkPath } from '../options';
import { isLive } from '../page';
import type { CheckedRestore, Store, StoreAnswer } from '../store';
import {
  type BackupOptions,
  type BackupResult,
  backUpDatabase,
  pruneHistory,
  type PruneOptions,
  type PruneResult,
  type Verification,
  verifyHistory,
  type VerifyOptions,
} from './audit';
import { checkState, type ConfigState } from './config-state';
import { type ConfigDiff, type HistoryEntry, toDiff, toHistoryEntry } from './history';

/** What `persist` and `rollback` take besides their first argument. */
export interface RevisionOptions {
  /** Who is recorded, up to 255 characters. Default: the `actor` of the config. */
  actor?: string | undefined;
  /**
   * Refuses with `ERR_REVISION_CONFLICT` unless this is the last revision of the environment; 0 stands for none.
   */
  ifRevision?: number | undefined;
}

/** What `rollback` and `promote` take besides their first argument. */
export interface RestoreOptions extends RevisionOptions {
  /** Why, for the history, up to 1,000 characters. Default: what is done, such as `rollback to revision 7`. */
  reason?: string | undefined;
}

const MAX_REASON_LENGTH = 1000;
const MAX_HISTORY_LIMIT = 10_000;

/** The history of a config: its methods of the same names, which say what each does. */
export class ConfigHistory<Name extends string> {
  readonly #inside: Inside<Name>;

  constructor(inside: Inside<Name>) {
    this.#inside = inside;
  }

  async persist(reason: string, options: RevisionOptions): Promise<HistoryEntry> {
    const { store, actor, ifRevision } = this.#checkPersist(reason, options);
    return this.#entry(await store.persist(this.#inside.page.handle, reason, actor, ifRevision));
  }

  persistSync(reason: string, options: RevisionOptions): HistoryEntry {
    const { store, actor, ifRevision } = this.#checkPersist(reason, options);
    return this.#entry(store.persistSync(this.#inside.page.handle, reason, actor, ifRevision));
  }


  async load(): Promise<boolean> {
    const { page } = this.#inside;
    const store = isLive(page) ? this.#writableStore() : this.#openStore();
    const answer = await store.load(page.handle);
    this.#inside.adopt(answer);
    return answer.revisions.length > 0;
  }


  async getHistory(limit: number, options: { before?: number | undefined }): Promise<HistoryEntry[]> {
    checkInteger(limit, 'limit', 1, MAX_HISTORY_LIMIT);
    const { before } = checkKeys(options, 'options', ['before']);
    const answer = await this.#openStore().history(limit, before === undefined ? undefined : checkRevision(before, 'before'));
    const table = this.#inside.adopt(answer);
    return answer.revisions.map((revision) => toHistoryEntry(revision, table));
  }


  async rollback(revision: number | undefined, options: RestoreOptions): Promise<HistoryEntry> {
    const to = revision === undefined ? undefined : checkRevision(revision, 'revision');
    const checked = this.#checkRestoreOptions(options);
    const store = this.#writableStore();
    return this.#entry(await store.rollback(this.#inside.page.handle, to, checked));
  }


  async apply(state: ConfigState<Name>, reason: string, options: RevisionOptions): Promise<HistoryEntry> {
    checkText(reason, 'reason', MAX_REASON_LENGTH);
    const { actor, ifRevision } = this.#checkRevisionOptions(options);
    const store = this.#writableStore();
    const given = checkState(state, (name) => this.#inside.maskOf(name));
    return this.#entry(await store.apply(this.#inside.page.handle, given, reason, actor, ifRevision));
  }


  async diff(from: number, to: number): Promise<ConfigDiff> {
    checkRevision(from, 'revision');
    checkRevision(to, 'revision');
    const answer = await this.#openStore().compare(from, to);
    const [older, newer] = answer.revisions as [NativeRevision, NativeRevision];
    return toDiff(older, newer, this.#inside.adopt(answer));
  }


  async getEnvironments(): Promise<string[]> {
    const { names } = await this.#openStore().environments();
    return names;
  }


  async promote(fromEnvironment: string, options: RestoreOptions): Promise<HistoryEntry> {
    const from = checkEnvironment(fromEnvironment);
    if (from === this.#inside.settings.environment) {
      throw makeError('ERR_INVALID_VALUE', `Invalid environment: ${show(from)} (must be another than this config's own)`);
    }
    const checked = this.#checkRestoreOptions(options);
    const store = this.#writableStore();
    return this.#entry(await store.promote(this.#inside.page.handle, from, checked));
  }


  async verify(options: VerifyOptions): Promise<Verification> {
    return await verifyHistory(this.#openStore(), options);
  }


  async prune(options: PruneOptions): Promise<PruneResult> {
    return await pruneHistory(this.#writableStore(), options, (actor) => this.#actor(actor));
  }


  async backup(path: string, options: BackupOptions): Promise<BackupResult> {
    const store = this.#openStore();
    return await backUpDatabase(store, checkPath(path, 'path'), options);
  }

  /** Persists what the last revision does not hold already. */
  async persistAutomatically(store: Store): Promise<void> {
    await store.persist(this.#inside.page.handle, 'auto', this.#actor(undefined), undefined, true);
  }

  #openStore(): Store {
    this.#inside.checkOpen();
    const { store, storeError } = this.#inside.settings;
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
    this.#inside.checkWritable();
    return this.#openStore();
  }

  #checkPersist(reason: string, options: RevisionOptions): { store: Store; actor: string; ifRevision: number | undefined } {
    checkText(reason, 'reason', MAX_REASON_LENGTH);
    const checked = this.#checkRevisionOptions(options);
    return { store: this.#writableStore(), ...checked };
  }

  #checkRestoreOptions(options: RestoreOptions): CheckedRestore {
    const { reason, ...rest } = checkKeys(options, 'options', ['reason', 'actor', 'ifRevision']);
    return {
      reason: reason === undefined ? undefined : checkText(reason, 'reason', MAX_REASON_LENGTH),
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
    return given === undefined ? (this.#inside.settings.actor ?? defaultActor()) : checkActor(given);
  }

  #entry(answer: StoreAnswer): HistoryEntry {
    const [revision] = answer.revisions as [NativeRevision];
    return toHistoryEntry(revision, this.#inside.adopt(answer));
  }
}

function checkRevision(revision: unknown, what: string): number {
  return checkInteger(revision, what, 1, Number.MAX_SAFE_INTEGER);
}

let actorOfProcess: string | undefined;

/** Such as `alice:4711`. A user id without a name, as containers have, stands for itself. */
function defaultActor(): string {
  actorOfProcess ??= `${native.userName() ?? process.getuid?.() ?? 'unknown'}:${process.pid}`;
  return actorOfProcess;
}
