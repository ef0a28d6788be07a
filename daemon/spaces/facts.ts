// What is known of a space when it is made, kept in the worktree's entry in the repository: out of the reach of a
// program that only works in its own folder, and gone with the entry.

import { join } from 'node:path';
import { readFile } from '../../shared/at-once.ts';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { isErrno } from '../../shared/errors.ts';
import type { EntryFile } from './entry-files.ts';
import type { Furnished } from './tree-work.ts';
import { findEntries, type Located } from './worktree-entry.ts';

/** The index as the checkout left it. */
export const PRISTINE_INDEX = 'qwex-index';
/** What the checkout made, entry by entry: see tree-record.ts. */
export const TREE_RECORD = 'qwex-tree';
export const SPACE_FACTS = 'qwex-space.json';

export interface SpaceFacts {
  sha: string;
  /** Symlinks made by us, from the space. */
  linked: string[];
  /** What it takes to use the space again; null when that must never be. */
  reuse: Reuse | null;
}

export interface Reuse {
  /** Clean, and waiting for a run; anything else is never given out. */
  isPooled: boolean;
  /** Since when, in ms since 1970. */
  sinceMs: number;
  /** What the checkout depended on beside the commit. */
  settings: string;
  /** The entry as git made it. */
  entryFiles: EntryFile[];
  /** Folders that were changed by us since the record was made, links and the like in them. */
  furnished: Furnished;
  /** Of the pristine index. */
  index: number[];
  /** Since boot, when the space was given out. */
  uptimeTicks: number;
}

export type KnownSpace = SpaceFacts & { entry: string };

/** The entry of a space and its facts; null when the repository no longer knows the space. */
export async function readFacts(located: Located): Promise<KnownSpace | null> {
  for (const entry of await findEntries(located)) {
    const facts = await readEntryFacts(entry);
    if (facts !== null) return { ...facts, entry };
  }
  return null;
}

export async function readEntryFacts(entry: string): Promise<SpaceFacts | null> {
  try {
    const facts: Partial<SpaceFacts> = JSON.parse(await readFile(join(entry, SPACE_FACTS), 'utf8'));
    // An older qwex knew nothing of using a space again.
    return { sha: facts.sha ?? '', linked: facts.linked ?? [], reuse: facts.reuse ?? null };
  } catch (error) {
    if (isErrno(error, 'ENOENT') || error instanceof SyntaxError) return null;
    throw error;
  }
}

export async function writeEntryFacts(entry: string, { sha, linked, reuse }: SpaceFacts): Promise<void> {
  await writeAtomically(join(entry, SPACE_FACTS), JSON.stringify({ sha, linked, reuse }));
}
