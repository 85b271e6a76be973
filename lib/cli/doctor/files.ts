import { accessSync, constants, lstatSync, readdirSync, realpathSync, type Stats, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Target } from '../options';
import { degraded, failed, type Finding, ok } from './finding';

/** File systems by the number that Linux gives them (linux/magic.h): those that live state cannot be on. */
const REMOTE: { readonly [type: number]: string } = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xfe534d42: 'SMB',
  0xff534d42: 'CIFS',
  0x5346414f: 'AFS',
  0x73757245: 'Coda',
  0x00c36400: 'Ceph',
};

/** Those that do not last. */
const PASSING: { readonly [type: number]: string } = {
  0x01021994: 'tmpfs, which is empty after a restart of the machine',
  0x794c7630: 'overlayfs, which a container loses when it is removed',
};

/** Bytes of a live file. */
const LIVE_FILE_SIZE = 2176;

/** Beside the database: what it is, who may use it, where it is, and what programs left there. */
export function examineFiles({ db, environment }: Target): Finding[] {
  if (db === undefined) return [];
  const found = look(db);
  if (found === undefined)
    return [
      examineDirectory(dirname(db)),
      failed('database', `There is no ${db}`, 'Check --db, or make one with a program or --create'),
    ];
  // Links are followed, and what belongs to a database is beside the file itself.
  const file = realpathSync(db);
  const directory = dirname(file);
  const live = liveFileOf(file, environment ?? (process.env.NODE_ENV || 'development'));
  return [
    examineDatabase(file, found),
    examineDirectory(directory),
    ...examineFileSystem(directory),
    ...['-wal', '-shm', '-journal'].map((suffix) => examineBeside(`${file}${suffix}`, suffix, found)),
    examineLiveFile(live, found),
    ...examineDoorbells(`${live}-doorbells`),
  ];
}

/** Its name has `~` for each `-` of the environment, and on macOS a `+` before upper-case letters, which paths do not tell apart there. */
function liveFileOf(database: string, environment: string): string {
  const name = environment.replaceAll('-', '~');
  return `${database}-live-${process.platform === 'darwin' ? name.replace(/[A-Z]/g, '+$&') : name}`;
}

function examineDatabase(file: string, found: Stats): Finding {
  if (!found.isFile()) return failed('database', `${file} is not a file`, 'Name the database itself');
  const described = `${file} has ${found.size} bytes, mode ${modeOf(found)} and owner ${found.uid}`;
  if (!mayUse(file, constants.R_OK | constants.W_OK)) {
    return failed(
      'database',
      `${described}, and this user may not read and write it`,
      'Run as its owner, or change its mode',
    );
  }
  return (found.mode & 0o002) === 0
    ? ok('database', described)
    : degraded('database', `${described}: everybody may change flags, history and digests`, `chmod o-w ${file}`);
}

function examineDirectory(directory: string): Finding {
  const found = look(directory);
  if (!found?.isDirectory())
    return failed(
      'directory',
      `There is no directory ${directory}`,
      'Make it; databases are made, directories are not',
    );
  return mayUse(directory, constants.R_OK | constants.W_OK | constants.X_OK)
    ? ok('directory', `SQLite can make its -wal and -shm in ${directory}`)
    : failed(
        'directory',
        `This user may not write to ${directory}, where SQLite makes its -wal and -shm`,
        'Run as its owner, or change its mode',
      );
}

function examineFileSystem(directory: string): Finding[] {
  if (process.platform !== 'linux') return [];
  return [examineFileSystemType(directory, statfsSync(directory).type)];
}

export function examineFileSystemType(directory: string, type: number): Finding {
  const number = type >>> 0;
  const remote = REMOTE[number];
  if (remote !== undefined) {
    return failed(
      'file-system',
      `${directory} is on ${remote}, a network file system: locks and shared memory do not hold there`,
      'Put the database on a local disk',
    );
  }
  const passing = PASSING[number];
  return passing === undefined
    ? ok('file-system', `${directory} is on a local file system (type 0x${number.toString(16)})`)
    : degraded('file-system', `${directory} is on ${passing}`, 'Put the database where it lasts, such as a volume');
}

/** What SQLite keeps beside the database: of use to all who may use the database, or it locks some of them out. */
function examineBeside(file: string, suffix: string, database: Stats): Finding {
  const name = `database${suffix}`;
  const found = look(file);
  if (found === undefined) return ok(name, `There is no ${file}`);
  const described = `${file} has mode ${modeOf(found)}, owner ${found.uid} and group ${found.gid}`;
  const fix = `chown ${database.uid}:${database.gid} ${file} && chmod ${modeOf(database)} ${file}`;
  if (!mayUse(file, constants.R_OK | constants.W_OK) && mayUse(file.slice(0, -suffix.length), constants.W_OK)) {
    return failed(name, `${described}, and this user may not read and write it, so nothing can be persisted`, fix);
  }
  return serves(found, database)
    ? ok(name, described)
    : failed(
        name,
        `${described}, and the database has mode ${modeOf(database)}, owner ${database.uid} and group ${database.gid}: some who may use the database cannot`,
        fix,
      );
}

/** Whether those who may use the database may use this file beside it. The owner is taken for a member of the group. */
function serves(file: Stats, database: Stats): boolean {
  const sameGroup = file.gid === database.gid;
  const [group, others] = [(file.mode >> 3) & 6, file.mode & 6];
  const [groupWants, othersWant] = [(database.mode >> 3) & 6, database.mode & 6];
  const owner = file.uid === database.uid || (sameGroup && group === 6) || others === 6;
  const members = (sameGroup && (group & groupWants) === groupWants) || (others & groupWants) === groupWants;
  return owner && members && (others & othersWant) === othersWant;
}

function examineLiveFile(live: string, database: Stats): Finding {
  const found = look(live);
  if (found === undefined)
    return ok('live-file-permissions', `There is no ${live}: no program with enableClusterSync has run`);
  const described = `${live} has ${found.size} bytes, mode ${modeOf(found)} and owner ${found.uid}`;
  const away = 'Close every program that uses it, then move it away';
  const isRoot = process.geteuid?.() === 0;
  const locksOwnerOut = found.uid !== database.uid && (isRoot ? found.uid === 0 : isOwn(database));
  if (locksOwnerOut) {
    return failed(
      'live-file-permissions',
      `${described}, and the database belongs to user ${database.uid}, whose programs cannot use it`,
      `chown ${database.uid}:${database.gid} ${live}`,
    );
  }
  if (!isOwn(found) && !isRoot) {
    return failed(
      'live-file-permissions',
      `${described}, which is another user than this one`,
      `Run as user ${found.uid}: live state is not shared between users`,
    );
  }
  if ((found.mode & 0o022) !== 0) return failed('live-file-permissions', `${described}: others may write to it`, away);
  return found.isFile() && (found.size === LIVE_FILE_SIZE || found.size === 0)
    ? ok('live-file-permissions', described)
    : failed('live-file-permissions', `${described}, which is not a live file`, away);
}

/** Where programs put the sockets by which they are told of changes. */
function examineDoorbells(directory: string): Finding[] {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (!found.isDirectory()) {
    return [failed('doorbells', `${directory} is not a directory, so nobody can be told of changes`, 'Move it away')];
  }
  if (!isOwn(found) || (found.mode & 0o077) !== 0) {
    return [
      failed(
        'doorbells',
        `${directory} has mode ${modeOf(found)} and owner ${found.uid}, so nobody can be told of changes`,
        `It must be this user's alone: chmod 700 ${directory}`,
      ),
    ];
  }
  return [ok('doorbells', `Listeners in ${directory}: ${readdirSync(directory).length}`)];
}

function look(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function mayUse(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** Where the system has no users, everything is one's own. */
function isOwn({ uid }: Stats): boolean {
  return process.geteuid === undefined || process.geteuid() === uid;
}

function modeOf({ mode }: Stats): string {
  return (mode & 0o777).toString(8).padStart(3, '0');
}
