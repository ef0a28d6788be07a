// A run's code back in the user's hands: an ordinary worktree of theirs, or a diff.

import { readdir } from 'node:fs/promises';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { resolveCommit } from './commits.ts';
import { explainAdd } from './create-errors.ts';
import { git } from './git.ts';

/** Adds a worktree at `directory` (absolute) on the commit. Throws `conflict` when something is there already. */
export async function checkoutCommit(of: {
  root: string;
  commonDir: string;
  sha: string;
  directory: string;
}): Promise<void> {
  const { root, commonDir, sha, directory } = of;
  await requireFree(directory);
  // --force: the entry of an earlier checkout whose folder the user has simply deleted is no hindrance.
  const args = ['worktree', 'add', '--force', '--detach', '--', directory, sha];
  try {
    await git({ cwd: root, args, config: ['advice.detachedHead=false'] });
  } catch (error) {
    throw explainAdd(error, { commonDir, sha });
  }
}

/** What changed from commit `a` to `b`, as text; '' when nothing did. `subdir` narrows it. Throws `not_found`. */
export async function diffCommits(of: {
  root: string;
  a: string;
  b: string;
  subdir?: string;
  color: boolean;
  stat: boolean;
}): Promise<string> {
  const [a, b] = await Promise.all([resolveCommit(of.root, of.a), resolveCommit(of.root, of.b)]);
  const args = ['diff', '--no-ext-diff', '--no-textconv', `--color=${of.color ? 'always' : 'never'}`];
  if (of.stat) args.push('--stat');
  const within = of.subdir === undefined || of.subdir === '' ? [] : [`:(top,literal)${of.subdir}`];
  return git({ cwd: of.root, args: [...args, a, b, '--', ...within] });
}

async function requireFree(directory: string): Promise<void> {
  try {
    if ((await readdir(directory)).length === 0) return;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    if (!isErrno(error, 'ENOTDIR')) throw error;
  }
  throw new QwexError({
    code: 'conflict',
    message: `Cannot check out into ${directory}: something is there already.`,
    hint: 'Name a directory that does not exist yet, or an empty one.',
  });
}
