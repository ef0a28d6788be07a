// Copies of git's index that can be trusted as much as the original.

import { constants } from 'node:fs';
import { copyFile, rm, stat, utimes } from '../../shared/at-once.ts';

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
 * Puts an index in the place of another, as it is. For one whose files were written by git a moment before it: it may
 * look exactly as old as the original. Never a hard link, which a program that writes into it would write through.
 */
export async function keepIndex(from: string, to: string): Promise<void> {
  const { mtimeMs } = await stat(from);
  await rm(to, { force: true });
  await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  await utimes(to, mtimeMs / 1000, Math.floor(mtimeMs) / 1000);
}
