// From a run's space to one that waits in the pool: cleaned aside, verified, put there, and said to be clean last of
// all. Whatever goes wrong on the way, the space is thrown away.

import { join } from 'node:path';
import { lstat, rename } from '../../shared/at-once.ts';
import { fault } from '../fault.ts';
import { restoreEntryFiles } from './entry-files.ts';
import { PRISTINE_INDEX, type Reuse, writeEntryFacts } from './facts.ts';
import { describeFolders } from './furnish.ts';
import { isHeld } from './holders.ts';
import { keepIndex } from './index-copy.ts';
import type { Waiting } from './pool-folder.ts';
import { rebuild, tidy } from './repair.ts';
import type { Trash } from './trash.ts';
import { fieldsOf } from './tree-record.ts';

export interface Returned {
  commonDir: string;
  sha: string;
  reuse: Reuse;
  /** Where the space is, aside. */
  aside: string;
  /** Where it is to be. The entry says so already, and is otherwise as the program left it. */
  path: string;
  entry: string;
  /** The program has changed nothing in the folders of the commit. */
  isUntouched: boolean;
}

/** Null when the space can't be used again; what is left of it at `aside` and `entry` is then the caller's to discard. */
export async function reclaim(returned: Returned, trash: Trash): Promise<Waiting | null> {
  const { commonDir, sha, reuse, aside, path, entry, isUntouched } = returned;
  if (await isHeld(aside, reuse.uptimeTicks)) return null;
  await renewEntry(entry, reuse);
  const used = { top: aside, entry, furnished: reuse.furnished };
  const furnished = isUntouched ? await tidy(used, trash) : null;
  const top = furnished === null ? await rebuild(used, trash) : aside;
  if (top === null) return null;
  if (top !== aside) await trash.discard(aside);
  fault('space_cleaned');
  await rename(top, path);
  fault('space_pooled');
  const sinceMs = Date.now();
  const facts = {
    ...reuse,
    ...{ isPooled: true, sinceMs, furnished: { ...furnished, ...(await describeFolders(path, [''])) } },
    index: fieldsOf(await lstat(join(entry, PRISTINE_INDEX))),
  };
  await writeEntryFacts(entry, { sha, linked: [], reuse: facts });
  return { commonDir, path, entry, sha, sinceMs };
}

/** The entry as git made it, with our files; nothing else of what a program did to it stays. */
async function renewEntry(entry: string, { entryFiles }: Reuse): Promise<void> {
  await restoreEntryFiles(entry, entryFiles);
  await keepIndex(join(entry, PRISTINE_INDEX), join(entry, 'index'));
}
