// The files of a worktree's entry in its repository. A program may leave a branch, a rebase, a bisect, refs or settings
// of its own in there: an entry that is used again is made again, of what git itself had put there.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Text null: a folder. */
export interface EntryFile {
  path: string;
  text: string | null;
}

/** Ours, and those that say where the worktree is. */
const OTHERS = /^(index|gitdir|locked|qwex-[^/]*)$/;
const MOST_BYTES = 64 * 1024;

/** An entry as it is, folders first; null when something in it is no small file. */
export async function readEntryFiles(entry: string, folder = ''): Promise<EntryFile[] | null> {
  const files: EntryFile[] = [];
  const found = await readdir(join(entry, folder), { withFileTypes: true });
  for (const each of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = folder === '' ? each.name : `${folder}/${each.name}`;
    if (OTHERS.test(path)) continue;
    if (each.isDirectory()) {
      const below = await readEntryFiles(entry, path);
      if (below === null) return null;
      files.push({ path, text: null }, ...below);
    } else {
      const text = each.isFile() ? await readFile(join(entry, path), 'utf8') : null;
      if (text === null || text.length > MOST_BYTES) return null;
      files.push({ path, text });
    }
  }
  return files;
}

/** Makes the entry; nothing may be there. */
export async function writeEntryFiles(entry: string, files: readonly EntryFile[]): Promise<void> {
  await mkdir(dirname(entry), { recursive: true });
  await mkdir(entry);
  for (const { path, text } of files) {
    if (text === null) await mkdir(join(entry, path));
    else await writeFile(join(entry, path), text, { flag: 'wx' });
  }
}

/** The same entry, had it been made for another commit. */
export function forCommit(files: readonly EntryFile[], from: string, to: string): EntryFile[] {
  return files.map(({ path, text }) => ({ path, text: text?.replaceAll(from, to) ?? null }));
}
