// Refs that keep the commits of runs alive through rebase, branch deletion and gc: refs/qwex/commits/<sha>. They are
// outside refs/heads and refs/tags, so no ordinary fetch, push or log shows them. Touches no other ref.

import { join } from 'node:path';
import { readFile, rm } from '../../shared/at-once.ts';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { hasCommit, isCommitId } from './commits.ts';
import { GitFailure, git } from './git.ts';

const NAMESPACE = 'refs/qwex/commits/';

// Git gives up on a held lock after 0.1 s, which a slow disk's fsync in a concurrent submit can exceed.
const PATIENCE = ['core.filesRefLockTimeout=10000', 'core.packedRefsTimeout=10000'];

export interface Pin {
  root: string;
  commonDir: string;
  sha: string;
}

/** Makes `sha` survive in the repository. No process is started when it is pinned already. Throws `not_found`. */
export async function pinCommit({ root, commonDir, sha }: Pin): Promise<void> {
  if (!isCommitId(sha)) throw new TypeError(`not a commit id: ${sha}`);
  if (await isPinned(commonDir, sha)) return;
  const update = () => updateRefs(root, [`update ${NAMESPACE}${sha}\0${sha}\0\0`]);
  try {
    await update().catch(async (error: unknown) => {
      if (!isBroken(error)) throw error;
      await rm(join(commonDir, NAMESPACE, sha), { force: true });
      await update();
    });
  } catch (error) {
    throw error instanceof GitFailure && /nonexistent object/.test(error.stderr) ? lost(root, sha) : error;
  }
}

/** Whether `pinCommit` will find the commit. No process is started when it is pinned already. */
export async function canPin({ root, commonDir, sha }: Pin): Promise<boolean> {
  return isCommitId(sha) && ((await isPinned(commonDir, sha)) || (await hasCommit(root, sha)));
}

/** The pinned commits. */
export async function listPinned(root: string): Promise<string[]> {
  const output = await git({ cwd: root, args: ['for-each-ref', '--format=%(refname)', NAMESPACE] });
  return output.split('\n').flatMap((ref) => (ref === '' ? [] : [ref.slice(NAMESPACE.length)]));
}

/**
 * Lets go of every pinned commit that isn't in `keep`; returns those let go. The caller must make sure that no
 * submit pins in between, or that `keep` holds its commit.
 */
export async function unpinCommits(root: string, keep: ReadonlySet<string>): Promise<string[]> {
  const dropped = (await listPinned(root)).filter((sha) => !keep.has(sha));
  if (dropped.length > 0)
    await updateRefs(
      root,
      dropped.map((sha) => `delete ${NAMESPACE}${sha}\0\0`),
    );
  return dropped;
}

async function isPinned(commonDir: string, sha: string): Promise<boolean> {
  const loose = await readIfThere(join(commonDir, NAMESPACE, sha));
  if (loose?.trim() === sha) return true;
  const packed = await readIfThere(join(commonDir, 'packed-refs'));
  return packed?.includes(`\n${sha} ${NAMESPACE}${sha}\n`) ?? false;
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    // EISDIR, EINVAL: not how this repository stores its refs (reftable); git itself then decides.
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EINVAL')) return null;
    throw error;
  }
}

// One transaction, however many refs: all or none.
async function updateRefs(root: string, commands: string[]): Promise<void> {
  const input = ['start\0', ...commands, 'commit\0'].join('');
  await git({ cwd: root, args: ['update-ref', '-z', '--stdin'], input, config: PATIENCE });
}

// An empty ref file is what a power cut leaves with an older git. It stops every gc of the user until it is gone.
function isBroken(error: unknown): boolean {
  return error instanceof GitFailure && /reference broken|unable to resolve reference/.test(error.stderr);
}

function lost(root: string, sha: string): QwexError {
  return new QwexError({
    code: 'not_found',
    message: `The repository ${root} has no commit ${sha}.`,
    hint: 'It may have been lost to a rebase and gc before it was submitted; commit again.',
  });
}
