// Where am I: the look at the user's repository that every submit begins with. At most two git processes side by side,
// and nothing is ever written: no index refresh, no lock.

import { join } from 'node:path';
import { stat } from '../../shared/at-once.ts';
import { GitFailure, git } from './git.ts';
import { type Place, Places } from './place.ts';
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
  return (await preflightBeside(cwd, places, async () => undefined)).git;
}

/** Does `work` while git looks at the tree. What git finds wrong is thrown before what the work does. */
export async function preflightBeside<T>(
  cwd: string,
  places: Places,
  work: (place: Place) => Promise<T>,
): Promise<{ git: Workspace; done: T }> {
  if (!(await isFolder(cwd))) throw folderGone(cwd);
  const place = places.find(cwd);
  const [found, state, done] = await Promise.allSettled([
    place,
    git({ cwd, args: statusArgs('normal') }).then(parseStatus),
    place.then(work),
  ]);
  if (found.status === 'rejected') throw explain(cwd, found.reason);
  if (state.status === 'rejected') throw explain(cwd, state.reason);
  const { sha, branch, dirty, untracked } = state.value;
  if (sha === null) throw noCommitYet(found.value.root, branch);
  if (done.status === 'rejected') throw done.reason;
  const submodules = await isFile(join(found.value.root, '.gitmodules'));
  return { git: { ...found.value, sha, branch, dirty, untracked, submodules }, done: done.value };
}

/** The repository around `cwd`, whatever state its tree is in. No process where `places` has been asked before. */
export async function findPlace(cwd: string, places: Places): Promise<Place> {
  if (!(await isFolder(cwd))) throw folderGone(cwd);
  return places.find(cwd).catch((error: unknown) => {
    throw explain(cwd, error);
  });
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
