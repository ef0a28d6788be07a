// The text of a file that a person wrote. Only regular files of a sane size: a fifo would block the
// daemon for ever, and a device would fill its memory. Read at once, as several are for every submission, and each would
// be five turns of the event loop.
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { lstatIfThere } from '../../shared/at-once.ts';
import { isErrno, QwexError } from '../../shared/errors.ts';

const MAX_BYTES = 1024 * 1024;

export interface SourceFile {
  /** Relative to the workspace, or a label for what is not part of it. */
  path: string;
  text: string;
}

/** The file's text, or null when there is none. Throws `invalid_config` for what is no readable text file. */
export async function readSource(absolutePath: string, path: string): Promise<SourceFile | null> {
  const file = openRegular(absolutePath, path);
  if (file === null) return null;
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw unreadable(path, 'it is not a regular file');
    if (stat.size > MAX_BYTES) throw unreadable(path, `it has ${stat.size} bytes; the limit is ${MAX_BYTES}`);
    return { path, text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)) };
  } catch (error) {
    if (error instanceof TypeError) throw unreadable(path, 'it is not valid UTF-8');
    throw error;
  } finally {
    closeSync(file);
  }
}

function openRegular(absolutePath: string, path: string): number | null {
  try {
    if (lstatIfThere(absolutePath) === undefined) return null;
    // O_NONBLOCK keeps the open of a fifo from waiting for a writer.
    return openSync(absolutePath, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    if (error instanceof Error && 'errno' in error) throw unreadable(path, error.message);
    throw error;
  }
}

function unreadable(path: string, why: string): QwexError {
  return new QwexError({
    code: 'invalid_config',
    message: `cannot read ${path}: ${why}`,
    hint: 'correct the file, or move it away',
  });
}
