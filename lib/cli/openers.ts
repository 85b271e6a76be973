import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { printable } from '../core/errors';

/** Another process that has the database open. */
export interface Opener {
  readonly pid: number;
  /** Its program and first argument, without directories, such as `node server.js`. */
  readonly program: string;
  /** Whether it shares a live state of the database, of any environment. */
  readonly sharesLive: boolean;
}

/** Of what a process calls itself. */
const LONGEST_PROGRAM = 60;

/**
 * The processes that have the database open, as far as this user may look at them. `null` where the system cannot tell:
 * only Linux lists what a process has mapped, among which are SQLite's `-shm` file and the live state.
 */
export function findOpeners(database: string): Opener[] | null {
  if (process.platform !== 'linux') return null;
  const files = mappedFiles(database);
  if (!files) return [];
  const openers: Opener[] = [];
  try {
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      const opener = examine(pid, files);
      if (opener) openers.push(opener);
    }
  } catch {
    // Not mounted.
    return null;
  }
  return openers;
}

/** The inodes of the files that a user of the database has mapped. */
interface MappedFiles {
  readonly index: string;
  readonly live: ReadonlySet<string>;
}

/** `undefined` if nobody has it open: then there is no such file. */
function mappedFiles(database: string): MappedFiles | undefined {
  try {
    const path = realpathSync(database);
    const start = `${basename(path)}-live-`;
    const live = readdirSync(dirname(path)).filter((name) => name.startsWith(start));
    return {
      index: inode(`${path}-shm`),
      live: new Set(live.map((name) => inode(`${dirname(path)}/${name}`))),
    };
  } catch {
    return undefined;
  }
}

function inode(path: string): string {
  return `${statSync(path, { bigint: true }).ino}`;
}

/** `undefined` for a process that does not have the database open, has ended, or is another user's. */
function examine(pid: number, { index, live }: MappedFiles): Opener | undefined {
  let maps: string;
  let command: string;
  try {
    maps = readFileSync(`/proc/${pid}/maps`, 'utf8');
    command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return undefined;
  }
  // Addresses, rights, offset, device, inode, path. File systems with subvolumes have other device numbers here.
  const mapped = new Set(maps.split('\n').map((line) => line.split(/\s+/, 5)[4]));
  if (!mapped.has(index)) return undefined;
  const words = command.split('\0').slice(0, 2);
  const program = printable(
    words
      .map((word) => basename(word))
      .join(' ')
      .trim(),
    LONGEST_PROGRAM,
  );
  return { pid, program, sharesLive: [...live].some((file) => mapped.has(file)) };
}

/** Such as `node server.js (4711)`. */
export function nameOfOpener({ program, pid }: Opener): string {
  return `${program} (${pid})`;
}
