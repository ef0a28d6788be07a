// From a space that waits in the pool to a run's space: verified to be what git made of its commit, moved aside, given
// another commit if need be, furnished. A daemon that dies on the way leaves what the next one throws away.

import { basename, join } from 'node:path';
import { lstat, rename } from '../../shared/at-once.ts';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { fault } from '../fault.ts';
import { lockReason } from './create.ts';
import { forCommit, readEntryFiles, restoreEntryFiles } from './entry-files.ts';
import { PRISTINE_INDEX, type Reuse, readEntryFacts, TREE_RECORD } from './facts.ts';
import { furnish, requireFolder, type Space, type SpaceRequest } from './furnish.ts';
import { keepIndex } from './index-copy.ts';
import type { Waiting } from './pool-folder.ts';
import { putGitFile, writeFiles } from './repair.ts';
import type { Trash } from './trash.ts';
import { fieldsOf } from './tree-record.ts';
import { ask } from './trees.ts';
import { gitdirOf, readGitdir } from './worktree-entry.ts';

/** Whether it is, entry for entry, what git made. `settings` are today's. */
export async function isAsGitMadeIt({ path, entry }: Waiting, settings: string): Promise<boolean> {
  const reuse = (await readEntryFacts(entry))?.reuse;
  if (!reuse?.isPooled || reuse.settings !== settings) return false;
  if ((await readGitdir(entry)) !== (await gitdirOf(path))) return false;
  if (JSON.stringify(await readEntryFiles(entry)) !== JSON.stringify(reuse.entryFiles)) return false;
  const index = fieldsOf(await lstat(join(entry, PRISTINE_INDEX)));
  if (JSON.stringify(index) !== JSON.stringify(reuse.index)) return false;
  const request = { top: path, file: join(entry, TREE_RECORD), furnished: reuse.furnished, within: [] };
  const { files, folders, extras } = await ask('examine', request);
  return files.length + folders.length + extras.length === 0;
}

/** Throws a QwexError that is the run's; anything else means that this space is of no use. Its entry then stays. */
export async function reuseSpace(request: SpaceRequest, waiting: Waiting, trash: Trash): Promise<Space> {
  const { path } = request;
  const aside = await trash.newPath(basename(path));
  const { entry } = waiting;
  try {
    await writeAtomically(join(entry, 'gitdir'), `${await gitdirOf(aside)}\n`);
    fault('space_claimed');
    await rename(waiting.path, aside);
    fault('space_taken');
    const known = await readEntryFacts(entry);
    if (!known?.reuse) throw new Error('the space was taken away meanwhile');
    const isOther = known.sha !== request.sha;
    const reuse = isOther
      ? await changeCommit({ ...known, reuse: known.reuse }, { request, aside, entry })
      : known.reuse;
    await requireFolder(request, aside);
    await writeAtomically(join(entry, 'locked'), `${lockReason(path)}\n`, { mode: 0o666 });
    await keepIndex(join(entry, PRISTINE_INDEX), join(entry, 'index'));
    await putGitFile(aside, entry, trash);
    return await furnish(request, { aside, entry, reuse: { ...reuse, isPooled: false }, warnings: [] });
  } catch (error) {
    await trash.discard(aside);
    throw error;
  }
}

interface Change {
  request: SpaceRequest;
  aside: string;
  entry: string;
}

/** The same worktree on another commit: only what differs is written. */
async function changeCommit(
  { sha, reuse }: { sha: string; reuse: Reuse },
  { request, aside, entry }: Change,
): Promise<Reuse> {
  await keepIndex(join(entry, PRISTINE_INDEX), join(entry, 'index'));
  await writeFiles({ entry, top: aside, sha: request.sha });
  const file = join(entry, TREE_RECORD);
  if (!(await ask('change', { top: aside, file })).isTrustworthy) throw new Error('its attributes changed');
  const entryFiles = forCommit(reuse.entryFiles, sha, request.sha);
  await restoreEntryFiles(entry, entryFiles);
  return { ...reuse, entryFiles, furnished: {}, index: fieldsOf(await lstat(join(entry, PRISTINE_INDEX))) };
}
