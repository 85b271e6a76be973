import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { MAX_DOCUMENT_BYTES } from './document-check';
import { CliError } from './errors';

/** How a file is called in messages. */
export function nameOfFile(file: string): string {
  return file === '-' ? 'stdin' : file;
}

/** A text from a file, or from stdin for `-`. */
export async function readText(file: string): Promise<string> {
  const bytes = file === '-' ? await collect(file, process.stdin) : await readFile(file);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new CliError('ERR_DOCUMENT', `${nameOfFile(file)} is not UTF-8 text, so nothing was changed`, { cause: error });
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
      throw new CliError('ERR_DOCUMENT', `${nameOfFile(file)} has more than ${MAX_DOCUMENT_BYTES} bytes, so it is no export, and nothing was changed`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** Writes a file that is there whole or not at all. */
export async function writeFileWhole(file: string, text: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    try {
      await using handle = await open(aside, 'wx');
      await handle.writeFile(text);
      await handle.sync();
    } catch (error) {
      await rm(aside, { force: true });
      throw error;
    }
    await rename(aside, file).catch(async (error: unknown) => {
      await rm(aside, { force: true });
      throw error;
    });
  } catch (error) {
    throw fileError('write', file, error);
  }
}

function fileError(what: 'read' | 'write', file: string, cause: unknown): unknown {
  const { code, message } = cause as { code?: string; message?: string };
  if (cause instanceof CliError || code === undefined) return cause;
  if (code === 'ENOENT' && what === 'read') return new CliError('ERR_FILE_NOT_FOUND', `There is no file ${file}`, { cause });
  // The rest names a file aside.
  return new CliError('ERR_FILE', `Cannot ${what} ${file}: ${message?.split(',')[0]}`, { cause });
}
