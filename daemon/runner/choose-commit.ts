// Which commit a submission runs: HEAD of a clean tree, or a snapshot of a dirty one when that was asked for.
import { QwexError } from '../../shared/errors.ts';
import type { Notice } from '../../shared/schemas/local.ts';
import type { LoadedWorkspace } from '../config/index.ts';
import { requireClean, snapshot, untrackedWarning, type Workspace } from '../spaces/index.ts';

export interface ChosenCommit {
  sha: string;
  isSnapshot: boolean;
  notices: Notice[];
}

/** Throws `dirty_tree` with the list and both ways out. */
export async function chooseCommit(of: {
  git: Workspace;
  workspace: LoadedWorkspace;
  snapshot: boolean | undefined;
}): Promise<ChosenCommit> {
  const { git } = of;
  const { source } = of.workspace.config;
  if (of.snapshot ?? source.dirty === 'snapshot') {
    const { sha, paths, warnings } = await snapshot({ root: git.root, gitDir: git.gitDir, sha: git.sha });
    const notices = warnings.map((message): Notice => ({ level: 'warning', message }));
    if (paths.length > 0) {
      const count = paths.length === 1 ? '1 path' : `${paths.length} paths`;
      notices.unshift({
        level: 'hint',
        message: `snapshot ${sha.slice(0, 12)}: HEAD and ${count} that it does not have`,
      });
    }
    return { sha, isSnapshot: sha !== git.sha, notices };
  }
  requireClean(git);
  const untracked = untrackedWarning(git);
  if (untracked !== null && source.untracked === 'refuse') {
    throw new QwexError({
      code: 'dirty_tree',
      message: untracked,
      hint: 'Commit them (git add), ignore them (.gitignore), or run this very state with: qwex run --snapshot …',
    });
  }
  return {
    sha: git.sha,
    isSnapshot: false,
    notices: untracked === null ? [] : [{ level: 'warning', message: untracked }],
  };
}
