// What a program did to its space, against the commit that was checked out. Right whatever it committed, staged, or
// did to HEAD and to the .git file: the repository's own entry and the index kept from the checkout are asked.

import { readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { PRISTINE_INDEX, readFacts } from './facts.ts';
import { git, splitNul } from './git.ts';
import { isFolder } from './inside.ts';
import type { Located } from './worktree-entry.ts';

/** Paths from the space, with slashes. */
export interface SpaceChanges {
  /** Files of the commit that are as they were, content and mode; of the asked part of the space at least. */
  unchanged: Set<string>;
  /** Files of the commit that differ. Deleted ones are in neither. */
  changed: string[];
  /** What the commit doesn't have: files, and whole new folders (ending in a slash). Our links are left out. */
  added: string[];
  /** False: the repository no longer knows the space, and all that is in it counts as added. */
  known: boolean;
}

/** One git process. Files inside submodules aren't looked at. */
export async function spaceChanges(located: Located): Promise<SpaceChanges> {
  const facts = await readFacts(located);
  if (facts === null) return unknownSpace(located.path);
  if (!(await isFolder(located.path))) return { unchanged: new Set(), changed: [], added: [], known: true };
  const environment = {
    GIT_DIR: facts.entry,
    GIT_WORK_TREE: located.path,
    GIT_INDEX_FILE: join(facts.entry, PRISTINE_INDEX),
  };
  const listed = parseTagged(splitNul(await git({ cwd: located.path, args: LIST, environment })));
  const { tracked, modified, deleted, others } = listed;
  return {
    unchanged: new Set(tracked.filter((path) => !modified.has(path) && !deleted.has(path))),
    changed: [...modified].filter((path) => !deleted.has(path)),
    added: await withoutLinks(located.path, others, new Set(facts.linked)),
    known: true,
  };
}

// A tag, a space and a path each; a file of the commit comes once for each tag that is true of it. Files whose times
// alone differ are compared by content.
const LIST = [
  'ls-files',
  '-z',
  '-t',
  '--cached',
  '--modified',
  '--deleted',
  '--others',
  '--directory',
  '--no-empty-directory',
];

function parseTagged(fields: string[]) {
  const [tracked, others]: [string[], string[]] = [[], []];
  const [modified, deleted] = [new Set<string>(), new Set<string>()];
  for (const field of fields) {
    const path = field.slice(2);
    switch (field[0]) {
      case '?':
        others.push(path);
        break;
      case 'C':
        modified.add(path);
        break;
      case 'R':
        deleted.add(path);
        break;
      default: // H; S in a sparse checkout
        tracked.push(path);
    }
  }
  return { tracked, modified, deleted, others };
}

// A new folder that we made for a link may hold nothing else: it is looked into.
export async function withoutLinks(
  space: string,
  entries: string[],
  links: ReadonlySet<string>,
): Promise<string[]> {
  const kept: string[] = [];
  for (const entry of entries) {
    const path = entry.replace(/\/$/, '');
    if (links.has(path) || path === '.git') continue;
    const holdsLink = entry.endsWith('/') && [...links].some((link) => link.startsWith(entry));
    if (!holdsLink) kept.push(entry);
    else kept.push(...(await withoutLinks(space, await entriesOf(space, path), links)));
  }
  return kept;
}

async function entriesOf(space: string, folder: string): Promise<string[]> {
  const found = await readdir(join(space, folder), { withFileTypes: true });
  return found.map((entry) => `${posix.join(folder, entry.name)}${entry.isDirectory() ? '/' : ''}`);
}

async function unknownSpace(path: string): Promise<SpaceChanges> {
  const entries = (await isFolder(path)) ? await entriesOf(path, '') : [];
  const added = entries.filter((entry) => entry !== '.git' && entry !== '.git/');
  return { unchanged: new Set(), changed: [], added, known: false };
}
