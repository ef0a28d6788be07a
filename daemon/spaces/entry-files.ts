// The files of a worktree's entry in its repository. A program may leave a branch, a rebase, a bisect, refs or settings
// of its own in there: an entry that is used again holds what git itself had put there.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mkdir, readEntries, readFile } from '../../shared/at-once.ts';
import { writeAtomically } from '../../shared/atomic-write.ts';

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
  const found = await readEntries(join(entry, folder));
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

/** Makes the entry what it was: nothing else stays in it. Each file is replaced as a whole, as git may be reading it. */
export async function restoreEntryFiles(entry: string, files: readonly EntryFile[]): Promise<void> {
  const wanted = new Map(files.map(({ path, text }) => [path, text]));
  await removeOthers(entry, '', wanted);
  for (const { path, text } of files) {
    if (text === null) await mkdir(join(entry, path), { recursive: true });
    else if ((await readFile(join(entry, path), 'utf8').catch(() => null)) !== text)
      await writeAtomically(join(entry, path), text, { mode: 0o666 });
  }
}

async function removeOthers(entry: string, folder: string, wanted: ReadonlyMap<string, string | null>) {
  for (const each of await readEntries(join(entry, folder))) {
    const path = folder === '' ? each.name : `${folder}/${each.name}`;
    if (OTHERS.test(path)) continue;
    const text = wanted.get(path);
    const isKept = text === null ? each.isDirectory() : text !== undefined && each.isFile();
    if (!isKept) await rm(join(entry, path), { recursive: true, force: true });
    else if (text === null) await removeOthers(entry, path, wanted);
  }
}

/** The same entry, had it been made for another commit. */
export function forCommit(files: readonly EntryFile[], from: string, to: string): EntryFile[] {
  return files.map(({ path, text }) => ({ path, text: text?.replaceAll(from, to) ?? null }));
}
