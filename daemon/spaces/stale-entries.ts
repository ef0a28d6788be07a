// Worktree entries of ours in a user's repository whose space is gone. Reads only: `git worktree prune` removes them.
import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno } from '../../shared/errors.ts';

/** The spaces, below `spacesFolder`, that entries of this repository name and that aren't there. */
export async function staleEntries(commonDir: string, spacesFolder: string): Promise<string[]> {
  const folder = join(commonDir, 'worktrees');
  const ours = [spacesFolder, await orNothing(realpath(spacesFolder), spacesFolder)];
  const stale: string[] = [];
  for (const name of await orNothing(readdir(folder), [])) {
    const gitdir = (await orNothing(readFile(join(folder, name, 'gitdir'), 'utf8'), '')).trim();
    const space = dirname(gitdir);
    const isOurs = ours.some((each) => space.startsWith(`${each}/`));
    if (isOurs && (await orNothing(lstat(space), null)) === null) stale.push(space);
  }
  return stale;
}

async function orNothing<T, N>(reading: Promise<T>, nothing: N): Promise<T | N> {
  try {
    return await reading;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return nothing;
    throw error;
  }
}
