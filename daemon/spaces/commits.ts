// Commits by name or id. Reads only.

import { QwexError } from '../../shared/errors.ts';
import { git } from './git.ts';

/** The full id of the commit that `revision` names (a branch, a tag, an abbreviation). Throws `not_found`. */
export async function resolveCommit(root: string, revision: string): Promise<string> {
  const answer = await git({
    cwd: root,
    args: ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`],
    accept: [0, 1, 128],
  });
  const sha = answer.trim();
  if (isCommitId(sha)) return sha;
  throw new QwexError({
    code: 'not_found',
    message: `There is no commit ${JSON.stringify(revision)} in ${root}.`,
    hint: 'List what there is: git log --oneline --all',
  });
}

/** Whether the repository has this very commit (full id), whatever refs say. */
export async function hasCommit(root: string, sha: string): Promise<boolean> {
  if (!isCommitId(sha)) return false;
  const answer = await git({ cwd: root, args: ['cat-file', '--batch-check'], input: `${sha}\n` });
  return answer.split(' ')[1] === 'commit';
}

/** A full object id: SHA-1 or SHA-256. */
export function isCommitId(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}
