// A run's code back in the user's hands: an ordinary worktree of theirs, or a diff.

import { readdir } from 'node:fs/promises';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { run } from '../starter/run.ts';
import { resolveCommit } from './commits.ts';
import { explainAdd } from './create-errors.ts';
import { git } from './git.ts';

/** Adds a worktree at `directory` (absolute) on the commit. Throws `conflict` when something is there already. */
export async function checkoutCommit(of: {
  root: string;
  commonDir: string;
  sha: string;
  directory: string;
  /** The user's. Git works under ours, which keeps everything private. */
  umask: number;
}): Promise<void> {
  const { root, commonDir, sha, directory, umask } = of;
  await requireFree(directory);
  // --force: the entry of an earlier checkout whose folder the user has simply deleted is no hindrance.
  const args = ['worktree', 'add', '--force', '--detach', '--', directory, sha];
  try {
    await git({ cwd: root, args, config: ['advice.detachedHead=false'] });
  } catch (error) {
    throw explainAdd(error, { commonDir, sha });
  }
  const { exit, stderr } = await run('chmod', ['-R', '--', modesUnder(umask), directory]);
  if (exit.code !== 0) throw new Error(`chmod of ${directory} failed: ${stderr.trim()}`);
}

/** What a umask leaves to the group and to others, as chmod takes it: what is executable stays so, and nothing else. */
function modesUnder(umask: number): string {
  const left = (of: string, shift: number) => {
    const denied = umask >> shift;
    return `${of}=${denied & 4 ? '' : 'r'}${denied & 2 ? '' : 'w'}${denied & 1 ? '' : 'X'}`;
  };
  return `${left('g', 3)},${left('o', 0)}`;
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
