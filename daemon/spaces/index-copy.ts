// Copies of git's index that can be trusted as much as the original.

import { copyFile, link, stat, utimes } from 'node:fs/promises';
import { isErrno } from '../../shared/errors.ts';

/**
 * Copies an index. Git trusts the times of a file only when they are older than the index, so the copy must not look
 * younger than the original, or a file edited within the same second as the last `git add` would pass as unchanged.
 */
export async function copyIndex(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const second = Math.floor((await stat(from)).mtimeMs / 1000) - 1;
  await utimes(to, second, second);
}

/**
 * Keeps an index as it is now, beside it. Git replaces an index by renaming a new one over it, so a hard link stays
 * what it was, whatever is staged later. Not every file system has them.
 */
export async function keepIndex(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!isErrno(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) throw error;
    await copyIndex(from, to);
  }
}
