// Keeps paths inside their folder, also where a commit or a program has put symlinks in the way.

import { chmodSync, lstatSync, type PathLike } from 'node:fs';
import { join } from 'node:path';
import { lstat, mkdir } from '../../shared/at-once.ts';
import { isErrno } from '../../shared/errors.ts';

/**
 * Whether `path` (with slashes) goes from `folder` through real folders only, its last part included.
 * 'missing': the part that does not exist comes before anything suspicious.
 */
export async function followsFolders(folder: string, path: string): Promise<'yes' | 'no' | 'missing'> {
  let at = folder;
  for (const part of path === '' ? [] : path.split('/')) {
    at = join(at, part);
    try {
      if (!(await lstat(at)).isDirectory()) return 'no';
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return 'missing';
      throw error;
    }
  }
  return 'yes';
}

/** Makes the folders of `path` in `folder`. False when something else than a folder is in the way. */
export async function makeFolders(folder: string, path: string): Promise<boolean> {
  const state = await followsFolders(folder, path);
  if (state === 'missing') await mkdir(join(folder, path), { recursive: true });
  return state !== 'no';
}

/** A path from a config or command line as parts below a folder, or null: absolute, climbing out, or inside .git. */
export function relativeInside(path: string): string | null {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  const bad = path.startsWith('/') || path.includes('\0') || parts.length === 0;
  if (bad || parts.some((part) => part === '..' || part.toLowerCase() === '.git')) return null;
  return parts.join('/');
}

/** Whether there is a folder at `path` itself, not at the end of a symlink. */
export async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null))?.isDirectory() ?? false;
}

/** A folder whose program took its own rights away: its owner can look into it, and move things out of it, again. */
export function openToOwner(folder: PathLike): void {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat?.isDirectory() && (stat.mode & 0o700) !== 0o700) chmodSync(folder, 0o700);
}
