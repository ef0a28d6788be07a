// What is in a kept tree now. The manifest is made from this and not from what was moved a moment ago, so it
// is complete after a crash, and true even if something was swapped while it was moved. Small files are
// hashed on the way; the large ones are for several workers to share. Runs in a worker.

import * as fs from 'node:fs';
import { encodePath } from '../../shared/byte-path.ts';
import { isErrno } from '../../shared/errors.ts';
import { Folder } from './folder.ts';
import { type Hasher, hashEntry, READ_BYTES } from './hash.ts';
import type { Artifact, Skipped } from './manifest.ts';
import { specialKind } from './special.ts';

export interface Inventory {
  /** Small files and symlinks. */
  artifacts: Artifact[];
  /** Files that are still to be hashed. */
  large: { path: string; sizeBytes: number }[];
  /** What was kept but can't be read, as another user owns it. */
  skipped: Skipped[];
}

export interface InventoryRequest {
  root: string;
  /** Of `shares` workers that go through the same tree, the one that looks at every `shares`-th file. Counted from 0. */
  share?: number;
  shares?: number;
}

/** Every file and symlink below `root`, or a share of them; a root that isn't there holds nothing. */
export function inventory({ root, share = 0, shares = 1 }: InventoryRequest, hasher: Hasher): Inventory {
  const found: Inventory = { artifacts: [], large: [], skipped: [] };
  const visit = (folder: Folder, { name, path, isSymlink }: KeptEntry) => {
    if (shares > 1 && shareOf(path, shares) !== share) return;
    if (isSymlink) {
      found.artifacts.push(symlink(folder, name, path));
      return;
    }
    const hashed = hashEntry(folder, { name, path, hasher, mostBytes: READ_BYTES - 1 });
    if (hashed !== null && 'sha256' in hashed) found.artifacts.push(hashed);
    else if (hashed !== null) found.large.push(hashed);
  };
  const isOurs = (path: string) => shareOf(path, shares) === share;
  visitKept(root, {
    visit,
    onSkipped: (skipped) => {
      if (isOurs(skipped.path)) found.skipped.push(skipped);
    },
    onSpecial: (folder, { name, path }) => {
      if (isOurs(path)) found.skipped.push(...withoutSpecial(folder, name, path));
    },
  });
  return found;
}

/** Told from its path alone: whatever is swapped between two looks, nothing is left out or listed twice. */
function shareOf(path: string, shares: number): number {
  let sum = 0;
  for (let at = 0; at < path.length; at += 1) sum = (sum * 31 + path.charCodeAt(at)) % 65_521;
  return sum % shares;
}

export interface KeptEntry {
  name: Buffer;
  /** Relative to the root. */
  path: string;
  isSymlink: boolean;
}

export interface Visitor {
  /** Called with every file and symlink. */
  visit: (folder: Folder, entry: KeptEntry) => void;
  /** Called with what could not be visited. */
  onSkipped: (skipped: Skipped) => void;
  /** Called with a fifo, a socket or a device. Without it they stay unmentioned. */
  onSpecial?: (folder: Folder, entry: { name: Buffer; path: string }) => void;
}

/** Goes through everything below `root`, following no symlink. */
export function visitKept(root: string, visitor: Visitor): void {
  if (fs.lstatSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  const folder = Folder.root(root);
  try {
    visitFolder(folder, '', visitor);
  } finally {
    folder.close();
  }
}

function visitFolder(folder: Folder, folderPath: string, visitor: Visitor): void {
  for (const entry of folder.entries()) {
    const text = encodePath(entry.name);
    const path = folderPath === '' ? text : `${folderPath}/${text}`;
    try {
      if (entry.isDirectory()) enter(folder, entry.name, (below) => visitFolder(below, path, visitor));
      else if (entry.isFile() || entry.isSymbolicLink()) {
        visitor.visit(folder, { name: entry.name, path, isSymlink: entry.isSymbolicLink() });
      } else visitor.onSpecial?.(folder, { name: entry.name, path });
    } catch (error) {
      if (isErrno(error, 'EACCES', 'EPERM', 'EIO')) {
        visitor.onSkipped({ path, reason: 'unreadable', detail: error.code });
        // Otherwise something else took the name's place between two looks: it is not what we keep.
      } else if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL')) throw error;
    }
  }
}

/** What took a file's place while it was moved is no result: a fifo among them would stop whoever reads them all. */
function withoutSpecial(folder: Folder, name: Buffer, path: string): Skipped[] {
  const reason = specialKind(fs.lstatSync(folder.at(name)));
  if (reason === null) return [];
  fs.unlinkSync(folder.at(name));
  return [{ path, reason }];
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
