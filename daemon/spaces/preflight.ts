// Where am I: the look at the user's repository that every submit begins with. At most two git processes side by side,
// and nothing is ever written: no index refresh, no lock.

import { join } from 'node:path';
import { stat } from './at-once.ts';
import { GitFailure, git } from './git.ts';
import { Places } from './place.ts';
import { bareRepository, folderGone, insideGitFolder, noCommitYet, refusal } from './refusals.ts';
import { type DirtyFile, parseStatus, statusArgs } from './status.ts';

/** The repository as the user stands in it. Paths inside it have slashes and no leading one. */
export interface Workspace {
  /** Top of the working tree, absolute. */
  root: string;
  /** This worktree's git folder: index and HEAD. The same as commonDir but in a linked worktree. */
  gitDir: string;
  /** The repository's git folder: objects and refs. It identifies the repository. */
  commonDir: string;
  /** Where the user is, from the root; '' at the root. */
  subdir: string;
  /** HEAD's commit, 40 or 64 hex digits. */
  sha: string;
  /** null: HEAD is detached. */
  branch: string | null;
  dirty: DirtyFile[];
  untracked: string[];
  shallow: boolean;
  /** There is a .gitmodules file. */
  submodules: boolean;
}

/**
 * Looks at the repository around `cwd` (absolute). Throws QwexError with a way out when no run can start there. One
 * process where `places` has been asked before.
 */
export async function preflight(cwd: string, places: Places = new Places()): Promise<Workspace> {
  if (!(await isFolder(cwd))) throw folderGone(cwd);
  const [place, state] = await Promise.allSettled([
    places.find(cwd),
    git({ cwd, args: statusArgs('normal') }).then(parseStatus),
  ]);
  if (place.status === 'rejected') throw explain(cwd, place.reason);
  if (state.status === 'rejected') throw explain(cwd, state.reason);
  const { sha, branch, dirty, untracked } = state.value;
  if (sha === null) throw noCommitYet(place.value.root, branch);
  const submodules = await isFile(join(place.value.root, '.gitmodules'));
  return { ...place.value, sha, branch, dirty, untracked, submodules };
}

// rev-parse prints the three flags before it fails for want of a working tree.
function explain(cwd: string, reason: unknown): unknown {
  if (!(reason instanceof GitFailure)) return reason;
  const [bare, insideGitDir] = reason.stdout.split('\n');
  if (bare === 'true') return bareRepository(cwd);
  if (insideGitDir === 'true') return insideGitFolder(cwd);
  return refusal(cwd, reason);
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}
