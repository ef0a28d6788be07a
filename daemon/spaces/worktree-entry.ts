// A worktree's entry in its repository (<commonDir>/worktrees/<name>), found and removed without git: `git worktree
// remove` refuses what programs leave behind, and `prune` looks at every worktree of the user.
// An entry is believed only when its own `gitdir` file names the space. The space's `.git` file is never believed:
// the program could have made it point at another worktree, which would then be deleted.

import { rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { lstat, readdir, readFile, realpath } from '../../shared/at-once.ts';
import { isErrno } from '../../shared/errors.ts';

export interface Located {
  commonDir: string;
  /** Of the worktree. */
  path: string;
  /** Where attempts to make it may have been cut short, each in a folder `<its name>.<something>`. */
  asideIn?: string;
}

/** What git calls an entry after the folder that it was made in: the name of a run, and something of our own. */
const OURS = /^(.+)\.[0-9a-f]{12}$/;

/** Entries of the worktree at `path`. Usually one; none when the user pruned it or the repository is gone. */
export async function findEntries({ commonDir, path, asideIn }: Located): Promise<string[]> {
  const gitdir = await gitdirOf(path);
  const aside = asideIn === undefined ? undefined : await gitdirOf(join(asideIn, `${basename(path)}.`));
  const found = await Promise.all(
    (await ourEntries(commonDir)).map(async (entry) => {
      const named = await readGitdir(entry);
      if (named === gitdir) return [entry];
      if (aside === undefined || OURS.exec(basename(entry))?.[1] !== basename(path)) return [];
      // A git that outlived its daemon may be killed, or go on writing into an entry that was removed under it: such
      // an entry names nothing. Its own name is the run's, which nobody else would choose.
      return !named || named.startsWith(dirname(aside)) ? [entry] : [];
    }),
  );
  return found.flat();
}

/** Entries with a name such as ours, whoever made them. */
export async function ourEntries(commonDir: string): Promise<string[]> {
  const folder = join(commonDir, 'worktrees');
  return (await readNames(folder)).filter((name) => OURS.test(name)).map((name) => join(folder, name));
}

/** What the `gitdir` file of a worktree at `path` says: git writes it without symlinks, and rewrites it so. */
export async function gitdirOf(path: string): Promise<string> {
  return join(await realFolder(dirname(path)), basename(path), '.git');
}

function realFolder(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

/** The entry that the `.git` file in `folder` names, if that entry names this very folder in return. */
export async function entryClaimedBy(folder: string): Promise<string | null> {
  const file = join(folder, '.git');
  if (!((await lstat(file).catch(() => null))?.isFile() ?? false)) return null;
  const target = /^gitdir: (.+)\n?$/s.exec(await readFile(file, 'utf8'))?.[1]?.replace(/\n$/, '');
  if (target === undefined) return null;
  const entry = resolve(folder, target);
  const mutual =
    basename(dirname(entry)) === 'worktrees' && (await readGitdir(entry)) === (await gitdirOf(folder));
  return mutual ? entry : null;
}

/** Forgets the worktree at `path`, locked or not. Nothing to do is fine. */
export async function removeEntries(located: Located, trash: EntryTrash): Promise<void> {
  for (const entry of await findEntries(located)) await trash.discardEntry(entry);
}

export interface EntryTrash {
  discardEntry(entry: string): Promise<void>;
}

/** Where it lies. Its name for itself last: were this cut short, nobody could tell any more whose the rest is. */
export async function removeEntry(entry: string): Promise<void> {
  const names = (await readNames(entry)).filter((name) => name !== 'gitdir');
  for (const name of names) await rm(join(entry, name), { recursive: true, force: true });
  await rm(entry, { recursive: true, force: true });
}

/** The path of the `.git` file that an entry belongs to, or null. */
export async function readGitdir(entry: string): Promise<string | null> {
  try {
    return (await readFile(join(entry, 'gitdir'), 'utf8')).replace(/\n$/, '');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return null;
    throw error;
  }
}

/** Names in a folder; none where there is no folder. */
export async function readNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
