// Untracked folders and files of the workspace (data, .venv) as symlinks in a space. What the commit has always wins:
// where it has the folder too (a data/.gitkeep), what is missing in it is linked entry by entry.

import { lstat, readdir, symlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { makeFolders, relativeInside } from './inside.ts';
import { printable } from './wording.ts';

const MAX_ENTRIES = 1000;

export interface Linked {
  /** Symlinks made, from the space, with slashes. */
  linked: string[];
  warnings: string[];
}

interface Place {
  root: string;
  space: string;
}

/** Links each of `links` (from the root). Throws `invalid_config` for a path that leaves the workspace. */
export async function makeLinks(of: Place & { links: string[] }): Promise<Linked> {
  const result: Linked = { linked: [], warnings: [] };
  for (const link of of.links) {
    const path = relativeInside(link);
    if (path === null) throw refused(link);
    if ((await kindAt(join(of.root, path))) === 'missing') {
      result.warnings.push(`Not linked: ${printable(link)} does not exist in ${of.root}.`);
    } else if (await makeFolders(of.space, posix.dirname(path) === '.' ? '' : posix.dirname(path))) {
      await linkInto(of, path, result);
    } else {
      result.warnings.push(`Not linked: the commit has a file where ${printable(link)} needs a folder.`);
    }
  }
  return result;
}

async function linkInto(place: Place, path: string, result: Linked): Promise<void> {
  const here = await kindAt(join(place.root, path));
  const there = await kindAt(join(place.space, path));
  if (there === 'missing') {
    await symlink(join(place.root, path), join(place.space, path));
    result.linked.push(path);
  } else if (here === 'folder' && there === 'folder') {
    await linkMissingEntries(place, path, result);
  } else if (!result.linked.includes(path)) {
    result.warnings.push(`Not linked: the commit has ${printable(path)} itself.`);
  }
}

async function linkMissingEntries(place: Place, path: string, result: Linked): Promise<void> {
  const names = (await readdir(join(place.root, path))).filter((name) => name !== '.git');
  const have = new Set(await readdir(join(place.space, path)));
  const missing = names.filter((name) => !have.has(name));
  if (missing.length > MAX_ENTRIES) throw tooMany(path, missing.length);
  for (const name of missing) {
    await symlink(join(place.root, path, name), join(place.space, path, name));
    result.linked.push(posix.join(path, name));
  }
  for (const name of names) {
    const both = posix.join(path, name);
    const folders = [join(place.root, both), join(place.space, both)].map(kindAt);
    if (have.has(name) && (await Promise.all(folders)).every((kind) => kind === 'folder')) {
      await linkMissingEntries(place, both, result);
    }
  }
}

async function kindAt(path: string): Promise<'folder' | 'other' | 'missing'> {
  try {
    return (await lstat(path)).isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return 'missing';
    throw error;
  }
}

function refused(link: string): QwexError {
  return new QwexError({
    code: 'invalid_config',
    message: `Cannot link ${JSON.stringify(link)}: a link is a path inside the workspace, from its root, and not .git.`,
    hint: 'To use a folder from elsewhere, make a symlink to it in the workspace and link that.',
  });
}

function tooMany(path: string, count: number): QwexError {
  return new QwexError({
    code: 'unsupported',
    message: `Cannot link ${printable(path)}: the commit has this folder too, and ${count} entries would have to be linked one by one (the limit is ${MAX_ENTRIES}).`,
    hint: 'Move the untracked entries into a folder of their own inside it, and link that one.',
  });
}
