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
  /** Files of the commit that are as they were, content and mode. */
  unchanged: Set<string>;
  /** Files of the commit that differ. Deleted ones are in neither. */
  changed: string[];
  /** What the commit doesn't have: files, and whole new folders (ending in a slash). Our links are left out. */
  added: string[];
  /** False: the repository no longer knows the space, and all that is in it counts as added. */
  known: boolean;
}

/** Three git processes side by side. Files inside submodules aren't looked at. */
export async function spaceChanges(located: Located): Promise<SpaceChanges> {
  const facts = await readFacts(located);
  if (facts === null) return unknownSpace(located.path);
  if (!(await isFolder(located.path))) return { unchanged: new Set(), changed: [], added: [], known: true };
  const environment = {
    GIT_DIR: facts.entry,
    GIT_WORK_TREE: located.path,
    GIT_INDEX_FILE: join(facts.entry, PRISTINE_INDEX),
  };
  const ask = async (args: string[]) => splitNul(await git({ cwd: located.path, args, environment }));
  const [tracked, differing, others] = await Promise.all([
    ask(['ls-files', '-z']),
    ask([
      'diff',
      '--name-status',
      '-z',
      '--no-renames',
      '--no-ext-diff',
      '--no-textconv',
      '--ignore-submodules=all',
    ]),
    ask(['ls-files', '-z', '--others', '--directory', '--no-empty-directory']),
  ]);
  const states = pairs(differing);
  const differs = new Set(states.map(([, path]) => path));
  return {
    unchanged: new Set(tracked.filter((path) => !differs.has(path))),
    changed: states.flatMap(([state, path]) => (state === 'D' ? [] : [path])),
    added: await withoutLinks(located.path, others, new Set(facts.linked)),
    known: true,
  };
}

function pairs(fields: string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) found.push([fields[at] ?? '', fields[at + 1] ?? '']);
  return found;
}

// A new folder that we made for a link may hold nothing else: it is looked into.
async function withoutLinks(space: string, entries: string[], links: ReadonlySet<string>): Promise<string[]> {
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
