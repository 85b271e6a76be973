/** Where features are named in the files of a directory. */
import { execFile } from 'node:child_process';
import { open, readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { CliError } from './errors';
import { pathText } from './output';

/** A line that names a feature. */
export interface Place {
  /** Its path from the directory, with slashes. */
  readonly file: string;
  readonly line: number;
}

/** Sources are smaller. */
const LARGEST_FILE = 2 ** 20;

/** Not looked into where git does not say which files count. */
const SKIPPED = /^(\..*|node_modules)$/;

/**
 * The places that name each of the features, in all text files of a directory: those that git tracks or would track, if it
 * is in a repository, otherwise all but hidden ones and `node_modules`.
 */
export async function findPlaces(
  directory: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly Place[]>> {
  const found = new Map(names.map((name) => [name, [] as Place[]]));
  if (names.length === 0) return found;
  await checkDirectory(directory);
  const escaped = names.map((name) => name.replaceAll(/[.-]/g, '\\$&'));
  // Names consist of these characters; a dot may also stand before a name, as in `flags.checkout`.
  const pattern = new RegExp(`(?<![\\w-])(?:${escaped.toSorted(byLength).join('|')})(?![\\w-])`, 'g');
  for (const file of await filesIn(directory)) {
    const text = await readText(join(directory, file));
    if (text === undefined) continue;
    for (const [index, line] of text.split('\n').entries()) {
      for (const name of new Set(Array.from(line.matchAll(pattern), ([word]) => word))) {
        found.get(name)!.push({ file, line: index + 1 });
      }
    }
  }
  return found;
}

/** The longest first, so that of `a.b` and `a` both are found. */
function byLength(a: string, b: string): number {
  return b.length - a.length;
}

async function checkDirectory(directory: string): Promise<void> {
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory()) return;
  throw new CliError('ERR_FILE_NOT_FOUND', `There is no directory ${pathText(directory)} (check --in)`);
}

async function filesIn(directory: string): Promise<string[]> {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  try {
    const { stdout } = await promisify(execFile)('git', args, { cwd: directory, maxBuffer: 2 ** 28 });
    return stdout.split('\0').filter(Boolean);
  } catch {
    // No git, or no repository.
    return await walk(directory, directory);
  }
}

async function walk(root: string, directory: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (SKIPPED.test(entry.name)) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) files.push(...(await walk(root, path)));
    else if (entry.isFile()) files.push(relative(root, path).replaceAll(sep, '/'));
  }
  return files;
}

/** `undefined` for what is no text: directories, as submodules are, and files that went meanwhile, are large or binary. */
async function readText(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path);
    const found = await file.stat();
    if (!found.isFile() || found.size > LARGEST_FILE) return undefined;
    const text = await file.readFile('utf8');
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}
