// Makes a used space what a fresh checkout would be. What a program may have touched isn't cleaned but left behind and
// made anew by git; what is kept is proven by its record. False: it can't be, and the space is to be thrown away.

import { isUtf8 } from 'node:buffer';
import { rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { lstat, mkdir, rename, rm, writeFile } from '../../shared/at-once.ts';
import { isErrno } from '../../shared/errors.ts';
import { bytesOf, byteText } from './byte-text.ts';
import { CHECKOUT } from './checkout-options.ts';
import { PRISTINE_INDEX, TREE_RECORD } from './facts.ts';
import { describeFolders } from './furnish.ts';
import { git } from './git.ts';
import { keepIndex } from './index-copy.ts';
import type { Trash } from './trash.ts';
import type { Extra, Furnished } from './tree-work.ts';
import { ask } from './trees.ts';

export interface Used {
  /** Where it is, aside. */
  top: string;
  /** Its entry, as good as new. */
  entry: string;
  furnished: Furnished;
}

/**
 * For a space in whose folders its program changed nothing: takes away what we had put there. Resolves to what the
 * kernel says of those folders then, or null when there is more to it.
 */
export async function tidy({ top, entry, furnished }: Used, trash: Trash): Promise<Furnished | null> {
  const request = { top, file: join(entry, TREE_RECORD), within: [] };
  const found = await ask('examine', { ...request, furnished });
  if (found.files.length > 0 || found.folders.some((folder) => !(folder in furnished))) return null;
  if (!found.extras.every(({ path }) => isUtf8(Buffer.from(path, 'latin1')))) return null;
  for (const extra of found.extras) await takeAway(top, extra, trash);
  await putGitFile(top, entry, trash);
  const described = await describeFolders(top, Object.keys(furnished));
  const left = await ask('examine', { ...request, furnished: described });
  return left.files.length + left.folders.length + left.extras.length === 0 ? described : null;
}

/** For any other: a new folder with what is untouched, and the rest written by git. Resolves to that folder. */
export async function rebuild({ top, entry, furnished }: Used, trash: Trash): Promise<string | null> {
  const into = await trash.newPath('rebuilt');
  try {
    await mkdir(into, { mode: 0o700 });
    const file = join(entry, TREE_RECORD);
    await ask('rebuild', { top, file, furnished, into });
    await putGitFile(into, entry, trash);
    await writeFiles({ entry, top: into, sha: 'HEAD' });
    if ((await ask('renew', { top: into, file })).isSame) return into;
  } catch (error) {
    await trash.discard(into);
    throw error;
  }
  await trash.discard(into);
  return null;
}

/** Files of the commit that aren't there, or aren't as the index knows them. Touches neither HEAD nor its log. */
export async function writeFiles({
  entry,
  top,
  sha,
}: {
  entry: string;
  top: string;
  sha: string;
}): Promise<void> {
  await git({
    cwd: top,
    args: ['read-tree', '--reset', '-u', '--no-recurse-submodules', sha],
    environment: { GIT_DIR: entry, GIT_WORK_TREE: top },
    config: CHECKOUT,
  });
  await keepIndex(join(entry, 'index'), join(entry, PRISTINE_INDEX));
}

/** The `.git` file of a worktree, whatever is in its place. */
export async function putGitFile(top: string, entry: string, trash: Trash): Promise<void> {
  const file = join(top, '.git');
  if ((await lstat(file).catch(() => null))?.isDirectory()) await trash.discard(file);
  // Never without one: by it the next daemon knows whose entry a half-made space has.
  const fresh = `${file}.fresh`;
  await rm(fresh, { force: true });
  await writeFile(fresh, `gitdir: ${entry}\n`, { flag: 'wx' });
  await rename(fresh, file);
}

async function takeAway(top: string, { path, kind }: Extra, trash: Trash): Promise<void> {
  const whole = bytesOf(`${byteText(top)}/${path}`);
  try {
    if (kind === 'file') await unlink(whole);
    else await rmdir(whole);
  } catch (error) {
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    await trash.discard(whole.toString());
  }
}
