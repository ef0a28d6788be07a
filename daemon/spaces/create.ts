// Makes a space: a detached worktree of the user's repository, made aside and moved into place when it is complete.
// So a space that exists is whole; and a git that outlives a killed daemon works in a folder and an entry of its own,
// which nothing made later shares with it.

import { basename, dirname, join } from 'node:path';
import { chmod, lstat, mkdir, readFile } from '../../shared/at-once.ts';
import { isErrno } from '../../shared/errors.ts';
import { fault } from '../fault.ts';
import { CHECKOUT } from './checkout-options.ts';
import { explainAdd } from './create-errors.ts';
import { readEntryFiles } from './entry-files.ts';
import { PRISTINE_INDEX, TREE_RECORD } from './facts.ts';
import { type Checkout, furnish, requireFolder, type Space, type SpaceRequest } from './furnish.ts';
import { git } from './git.ts';
import { keepIndex } from './index-copy.ts';
import { checkOutSubmodules } from './submodules.ts';
import type { Trash } from './trash.ts';
import { fieldsOf } from './tree-record.ts';
import { ask } from './trees.ts';
import type { Turns } from './turns.ts';
import { entryClaimedBy, removeEntries } from './worktree-entry.ts';

export interface Making {
  trash: Trash;
  turns: Turns;
  /** What the checkout depends on beside the commit; null: the space won't be used again. */
  settings: () => Promise<string | null>;
}

/** Makes the space anew: whatever is at `path`, from an attempt that was cut short, is thrown away first. */
export async function createSpace(request: SpaceRequest, making: Making): Promise<Space> {
  const { commonDir, path } = request;
  const { trash, turns } = making;
  const aside = await trash.newPath(basename(path));
  try {
    // Told before, so that a change meanwhile can't be missed.
    const settings = request.submodules ? null : await making.settings();
    await addWorktree(request, aside, turns);
    fault('space_added');
    return await complete(request, { aside, settings });
  } catch (error) {
    for (const each of [aside, path])
      await turns.take(commonDir, () => removeEntries({ commonDir, path: each }, trash));
    await trash.discard(aside);
    throw error;
  }
}

/** Takes away what attempts that were cut short have left at the place of a space, and of it in the repository. */
export async function clearPlace(
  { commonDir, path }: SpaceRequest,
  { trash, turns }: Pick<Making, 'trash' | 'turns'>,
): Promise<void> {
  if (!/^[\w-]+$/.test(basename(path))) throw new TypeError(`not a name for a space: ${basename(path)}`);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await trash.discard(path);
  const asideIn = trash.folder;
  await turns.take(commonDir, () => removeEntries({ commonDir, path, asideIn }, trash));
}

/** What `git worktree list` says of it. */
export function lockReason(path: string): string {
  return `in use by qwex run ${basename(path)}`;
}

/**
 * In two steps. The first looks at all worktrees of the repository, and fails when one comes or goes under it: hence the
 * turn. The second takes long, and nobody waits for it; it has no child, so that cancelling ends what writes.
 */
async function addWorktree(request: SpaceRequest, aside: string, turns: Turns): Promise<void> {
  const { commonDir, sha, path, signal } = request;
  const common = { config: CHECKOUT, ...(signal === undefined ? {} : { signal }) };
  const args = [
    'worktree',
    'add',
    '--detach',
    '--no-checkout',
    '--lock',
    '--reason',
    lockReason(path),
    aside,
    sha,
  ];
  try {
    await turns.take(commonDir, async () => {
      signal?.throwIfAborted();
      await git({ cwd: commonDir, args, ...common });
    });
    await git({ cwd: aside, args: ['reset', '--quiet', '--hard', '--no-recurse-submodules'], ...common });
  } catch (error) {
    throw signal?.aborted ? signal.reason : explainAdd(error, { commonDir, sha });
  }
}

async function complete(
  request: SpaceRequest,
  made: { aside: string; settings: string | null },
): Promise<Space> {
  const { submodules } = request;
  const { aside, settings } = made;
  await chmod(aside, 0o700);
  await requireFolder(request, aside);
  const entry = await entryClaimedBy(aside);
  if (entry === null) throw new Error(`git made no worktree at ${aside}`);
  await keepIndex(join(entry, 'index'), join(entry, PRISTINE_INDEX));
  const isSparse = await exists(join(entry, 'info', 'sparse-checkout'));
  const reuse =
    settings === null || submodules || isSparse ? null : await recordFor({ aside, entry, settings });
  const warnings = submodules ? await checkOutSubmodules({ ...request, space: aside }) : [];
  if (isSparse) {
    warnings.push(
      'The repository is a sparse checkout: the space has the same part of the commit, not all of it.',
    );
  }
  return furnish(request, { aside, entry, reuse, warnings });
}

/** What has to be known before a program runs in the space, for the space to be used again. */
async function recordFor(of: { aside: string; entry: string; settings: string }): Promise<Checkout['reuse']> {
  const { aside, entry, settings } = of;
  const entryFiles = await readEntryFiles(entry);
  if (entryFiles === null) return null;
  const request = { top: aside, file: join(entry, TREE_RECORD) };
  const { hasFilters } = await ask('record', request, { sizedBy: join(entry, PRISTINE_INDEX) });
  if (hasFilters) return null;
  const index = fieldsOf(await lstat(join(entry, PRISTINE_INDEX)));
  return { isPooled: false, sinceMs: Date.now(), settings, entryFiles, index, uptimeTicks: 0, furnished: {} };
}

async function exists(path: string): Promise<boolean> {
  try {
    await readFile(path, 'utf8');
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
