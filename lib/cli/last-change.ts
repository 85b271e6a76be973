/** When features were last changed, from the history. */
import type { HistoryEntry, ProductionConfig } from '13byte-config';
import { MAX_HISTORY_LIMIT } from '../core/limits';

/** What is known of the last change of a feature. */
export interface LastChange {
  readonly revision: number;
  readonly at: string;
  readonly actor: string;
  readonly reason: string;
}

/** The last change of each of these features, and when the history begins: what is older was pruned, or never was. */
export async function lastChanges(
  config: ProductionConfig<string>,
  names: readonly string[],
): Promise<{ readonly changes: ReadonlyMap<string, LastChange>; readonly begins: string | null }> {
  const wanted = new Set(names);
  const changes = new Map<string, LastChange>();
  let begins: string | null = null;
  for (let before: number | undefined; wanted.size > 0;) {
    const entries = await config.getHistory(MAX_HISTORY_LIMIT, before === undefined ? {} : { before });
    for (const entry of entries) {
      for (const name of namesIn(entry)) {
        if (wanted.delete(name)) changes.set(name, describe(entry));
      }
    }
    const last = entries.at(-1);
    if (last) begins = last.createdAt.toISOString();
    if (entries.length < MAX_HISTORY_LIMIT) break;
    before = last!.revision;
  }
  return { changes, begins };
}

function describe({ revision, createdAt, actor, changeReason: reason }: HistoryEntry): LastChange {
  return { revision, at: createdAt.toISOString(), actor, reason };
}

/** Changes are `+name`, `-name` and `name 100% → 10%`. */
function namesIn({ changes }: HistoryEntry): string[] {
  return changes.flatMap((change) => /^[+-](.+)$/.exec(change)?.[1] ?? /^(\S+) [\d.]+% →/.exec(change)?.[1] ?? []);
}
