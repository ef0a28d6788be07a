// What is known of a space when it is made, kept in the worktree's entry in the repository: out of the reach of a
// program that only works in its own folder, and gone with the entry.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../shared/errors.ts';
import { findEntries, type Located } from './worktree-entry.ts';

/** The index as the checkout left it. */
export const PRISTINE_INDEX = 'qwex-index';
export const SPACE_FACTS = 'qwex-space.json';

export interface SpaceFacts {
  sha: string;
  /** Symlinks made by us, from the space. */
  linked: string[];
}

/** The entry of a space and its facts; null when the repository no longer knows the space. */
export async function readFacts(located: Located): Promise<(SpaceFacts & { entry: string }) | null> {
  for (const entry of await findEntries(located)) {
    try {
      const facts: SpaceFacts = JSON.parse(await readFile(join(entry, SPACE_FACTS), 'utf8'));
      return { sha: facts.sha, linked: facts.linked, entry };
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
    }
  }
  return null;
}
