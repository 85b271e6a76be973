import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { MAX_DOCUMENT_BYTES } from './document-check';
import { CliError } from './errors';
import { pathText } from './output';

/** The name of a file in messages. */
export function nameOfFile(file: string): string {
  return file === '-' ? 'stdin' : pathText(file);
}

/** A text from a file, or from stdin for `-`. */
export async function readText(file: string): Promise<string> {
  const bytes = file === '-' ? await collect(file, process.stdin) : await readFile(file);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new CliError('ERR_DOCUMENT', `${nameOfFile(file)} is not UTF-8 text. Nothing was changed`, {
      cause: error,
    });
  }
}

async function readFile(file: string): Promise<Uint8Array> {
  try {
    await using handle = await open(file);
    return await collect(file, handle.createReadStream({ autoClose: false }));
  } catch (error) {
    throw fileError('read', file, error);
  }
}

async function collect(file: string, stream: AsyncIterable<Uint8Array | string>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_DOCUMENT_BYTES) {
      throw new CliError(
        'ERR_DOCUMENT',
        `${nameOfFile(file)} is too large to be an export (at most ${MAX_DOCUMENT_BYTES} bytes). Nothing was changed`,
      );
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/**
 * Writes a file completely or not at all. A file that it replaces keeps its mode and, for root, its owner; a link stays a
 * link. A FIFO or a device such as /dev/stdout is written to and not replaced.
 */
export async function writeFileWhole(file: string, text: string): Promise<void> {
  try {
    const found = await stat(file).catch(() => undefined);
    if (found && (found.isFIFO() || found.isCharacterDevice())) return await writeFile(file, text);
    if (found && !found.isFile() && !found.isDirectory())
      throw new CliError('ERR_FILE', `Cannot write ${file}: it is not a regular file`);
    await replace(found ? await realpath(file) : file, text, found);
  } catch (error) {
    throw fileError('write', file, error);
  }
}

async function replace(file: string, text: string, found: Stats | undefined): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    {
      await using handle = await open(aside, 'wx');
      if (found) await handle.chmod(found.mode & 0o777);
      if (found && process.geteuid?.() === 0) await handle.chown(found.uid, found.gid);
      await handle.writeFile(text);
      await handle.sync();
    }
    await rename(aside, file);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

function fileError(what: 'read' | 'write', file: string, cause: unknown): unknown {
  const { code, message } = cause as { code?: string; message?: string };
  if (cause instanceof CliError || code === undefined) return cause;
  if (code === 'ENOENT' && what === 'read')
    return new CliError('ERR_FILE_NOT_FOUND', `No such file: ${pathText(file)}`, { cause });
  // The rest names the temporary file.
  return new CliError('ERR_FILE', `Cannot ${what} ${pathText(file)}: ${message?.split(',')[0]}`, { cause });
}
