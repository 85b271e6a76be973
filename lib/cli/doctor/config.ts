import type { HealthCheckName } from '13byte-config';
import type { Target } from '../options';
import { reading } from '../session';
import { degraded, failed, type Finding, ok } from './finding';

/** What to do if a check of the library finds a problem; its message has the details. */
const FIXES: { readonly [name in HealthCheckName]: string } = {
  config: 'Run it again; report it if that does not help',
  page: 'Correct the state with enable, disable or terminal, or restore one with rollback',
  features: 'Keep new features in another database',
  'live-file': 'Restart all programs that use it',
  listening: 'See the message; it is retried every second',
  store: 'See the message',
  'store-thread': 'Find the program that holds the database locked: fuser -v <path>',
  'last-persist': 'See the message',
  'database-files': 'Find out what deletes or replaces the files, then check the history',
  'wal-size': 'Find the program that keeps a read transaction open: fuser -v <path>',
  'disk-space': 'Free some space',
  'chain-head': 'Run verify to list all problems; restore a backup if necessary',
};

const OPEN_FIXES: { readonly [code: string]: string } = {
  ERR_FOREIGN_DATABASE: 'Choose another --db; it was not touched',
  ERR_LIVE_FILE_BUSY: 'Find the program that was suspended while it opened the live file',
  ERR_LIVE_FILE_INVALID: 'Close every program that uses it, then move it away',
  ERR_LIVE_FILE_PERMISSION: 'Run this as the user in the message',
  ERR_LIVE_FILE_MISMATCH: 'Close all programs that use it, then start again',
  ERR_NEWER_SCHEMA: 'Update 13byte-config',
  ERR_NOT_A_DATABASE: 'Choose another --db, or restore a backup',
  ERR_STORE_BUSY: 'Find the program that holds it in a transaction: fuser -v <path>',
  ERR_STORE_CORRUPT: 'Restore a backup',
  ERR_STORE_HARD_LINK: 'Keep one name only: find <directory> -samefile <path> lists them',
  ERR_STORE_MOUNTED_ALONE: 'Mount the directory of the database instead of the file',
  ERR_STORE_PERMISSION: 'Check the permissions of the file and of its directory',
};

/** The checks of the library, on a config that is opened for reading. */
export async function examineConfig(target: Target): Promise<Finding[]> {
  if (target.db === undefined && target.cluster === undefined) return [];
  try {
    return await reading(target, async ({ config, live }) => {
      const { checks } = await config.healthCheck();
      return [
        ok('live', live ? 'Running programs share this state' : 'No running program shares this state'),
        ...checks.map(({ name, status, message }): Finding => ({
          name,
          status,
          message,
          fix: status === 'ok' ? null : FIXES[name],
        })),
      ];
    });
  } catch (error) {
    const { code = '', message } = error as Error & { code?: string };
    if (code === 'ERR_NOT_LIVE' || code === 'ERR_ENVIRONMENT_NOT_FOUND') {
      return [degraded('live', message, 'Check the name, and that the programs are running')];
    }
    // Reported by checkFiles.
    if (code === 'ERR_STORE_NOT_FOUND') return [];
    return [
      failed('open', `${message} (${code})`, OPEN_FIXES[code] ?? 'See the message, and docs/errors.md for the code'),
    ];
  }
}
