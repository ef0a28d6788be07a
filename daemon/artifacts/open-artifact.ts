// Opens one kept file for download. Must never open anything outside of the folder it is given, whatever the
// name and whatever symlinks lie below.

import * as fs from 'node:fs/promises';
import { decodePath, encodePath } from '../../shared/byte-path.ts';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { filePath } from './paths.ts';

export type OpenedArtifact =
  /** The caller closes `handle`. */
  | { type: 'file'; handle: fs.FileHandle; sizeBytes: number; mode: number }
  | { type: 'symlink'; target: string };

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** `path` as in the manifest. Throws not_found, or invalid_request for a path that leaves its folder. */
export async function openArtifact(filesDir: string, path: string): Promise<OpenedArtifact> {
  const names = filePath(path).split('/').map(decodePath);
  const name = names.pop() ?? Buffer.alloc(0);
  try {
    const folder = await openFolder(filesDir, names);
    try {
      return await openEntry(below(folder, name), path);
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) throw error;
    throw notFound(path, error);
  }
}

async function openFolder(root: string, names: Buffer[]): Promise<fs.FileHandle> {
  let folder = await fs.open(root, O_RDONLY | O_DIRECTORY);
  for (const name of names) {
    const parent = folder;
    try {
      folder = await fs.open(below(parent, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    } finally {
      await parent.close();
    }
  }
  return folder;
}

async function openEntry(entry: Buffer, path: string): Promise<OpenedArtifact> {
  const seen = await fs.lstat(entry);
  if (seen.isSymbolicLink()) {
    return { type: 'symlink', target: encodePath(await fs.readlink(entry, { encoding: 'buffer' })) };
  }
  const handle = await fs.open(entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw notFound(path);
    return { type: 'file', handle, sizeBytes: stat.size, mode: stat.mode & 0o777 };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A name in that very directory, wherever its path leads by now. */
function below(folder: fs.FileHandle, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder.fd}/`), name]);
}

function notFound(path: string, cause?: unknown): QwexError {
  return new QwexError({
    code: 'not_found',
    message: `The run has no artifact ${JSON.stringify(path)}.`,
    hint: '`qwex artifacts ID` lists what there is.',
    cause,
  });
}
