// What is in a kept tree now. The manifest is made from this and not from what was moved a moment ago, so it
// is complete after a crash, and true even if something was swapped while it was moved. Runs in a worker.

import * as fs from 'node:fs';
import { isErrno } from '../../shared/errors.ts';
import { encodePath } from './byte-path.ts';
import { Folder, keptMode } from './folder.ts';
import type { Artifact } from './manifest.ts';

export interface FolderOfFiles {
  /** Relative to the root, '' for the root itself; text as in byte-path.ts, so that it passes between threads. */
  path: string;
  files: { name: string; sizeBytes: number }[];
}

export interface Inventory {
  folders: FolderOfFiles[];
  symlinks: Artifact[];
}

/** Every file and symlink below `root`, permissions made safe; a root that isn't there holds nothing. */
export function inventory(root: string): Inventory {
  const found: Inventory = { folders: [], symlinks: [] };
  if (fs.lstatSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) return found;
  const folder = Folder.root(root);
  try {
    list(folder, '', found);
  } finally {
    folder.close();
  }
  return found;
}

function list(folder: Folder, path: string, found: Inventory): void {
  const here: FolderOfFiles = { path, files: [] };
  for (const name of folder.names()) {
    try {
      look(folder, name, { here, found });
    } catch (error) {
      // Something else took the name's place between two looks: it is not what we keep.
      if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL')) throw error;
    }
  }
  if (here.files.length > 0) found.folders.push(here);
}

function look(
  folder: Folder,
  name: Buffer,
  { here, found }: { here: FolderOfFiles; found: Inventory },
): void {
  const stat = fs.lstatSync(folder.at(name));
  const text = encodePath(name);
  const path = here.path === '' ? text : `${here.path}/${text}`;
  if (stat.isFile()) {
    if ((stat.mode & 0o7777) !== keptMode(stat.mode)) folder.restrict(name);
    here.files.push({ name: text, sizeBytes: stat.size });
  } else if (stat.isSymbolicLink()) found.symlinks.push(symlink(folder, name, path));
  else if (stat.isDirectory()) enter(folder, name, (below) => list(below, path, found));
}

function enter(parent: Folder, name: Buffer, act: (folder: Folder) => void): void {
  const folder = parent.open(name);
  try {
    act(folder);
  } finally {
    folder.close();
  }
}

function symlink(folder: Folder, name: Buffer, path: string): Artifact {
  const target = fs.readlinkSync(folder.at(name), { encoding: 'buffer' });
  return {
    path,
    sizeBytes: target.length,
    sha256: null,
    mode: 0o777,
    type: 'symlink',
    target: encodePath(target),
  };
}
