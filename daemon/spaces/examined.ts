// What a program did to its space, told from the record of the checkout alone: without a process, and enough for most
// runs. Where files of the commit were touched, git is to be asked what of it is a change: see changes.ts.

import { join } from 'node:path';
import { readable } from './byte-text.ts';
import { type SpaceChanges, withoutLinks } from './changes.ts';
import { readFacts, TREE_RECORD } from './facts.ts';
import { isFolder } from './inside.ts';
import { ask } from './trees.ts';
import type { Located } from './worktree-entry.ts';

/** From the record of the checkout; null when git has to be asked: files of the commit differ, or it isn't known. */
export async function examined(
  located: Located,
  within: readonly string[],
): Promise<{ changes: SpaceChanges; isUntouched: boolean } | null> {
  const facts = await readFacts(located);
  if (facts?.reuse == null || !(await isFolder(located.path))) return null;
  const request = {
    top: located.path,
    file: join(facts.entry, TREE_RECORD),
    furnished: facts.reuse.furnished,
  };
  const { files, folders, extras, kept } = await ask('examine', { ...request, within: [...within] });
  // A .git further down is a submodule's, or makes a folder of the commit look like one.
  if (files.length > 0 || extras.some(({ path }) => path.endsWith('/.git'))) return null;
  const added = extras
    .filter(({ kind }) => kind !== 'empty')
    .map(({ path, kind }) => `${readable(path)}${kind === 'folder' ? '/' : ''}`);
  return {
    changes: {
      unchanged: new Set(kept.map(readable)),
      changed: [],
      added: await withoutLinks(located.path, added, new Set(facts.linked)),
      known: true,
    },
    isUntouched: folders.length === 0,
  };
}
