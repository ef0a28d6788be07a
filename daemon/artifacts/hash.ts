// sha256 of kept files. Runs in a worker, one file at a time, with one buffer: memory doesn't depend on sizes.
// Must never change what it reads.

import { createHash, hash as hashOnce } from 'node:crypto';
import * as fs from 'node:fs';
import { isErrno } from '../../shared/errors.ts';
import { decodePath } from './byte-path.ts';
import { Folder } from './folder.ts';
import type { Artifact } from './manifest.ts';

export const READ_BYTES = 1024 * 1024;

export interface HashRequest {
  root: string;
  folders: NamedFiles[];
}

export interface NamedFiles {
  /** Folder below the root, '' for the root itself. */
  path: string;
  names: string[];
}

export interface Hasher {
  buffer: Buffer;
  /** Told of every read. */
  onBytes: (bytes: number) => void;
}

/** The named files; one that is gone or no regular file any more is left out. */
export function hashFiles({ root, folders }: HashRequest, hasher: Hasher): Artifact[] {
  const top = Folder.root(root);
  try {
    return folders.flatMap(({ path, names }) =>
      openBelow(top, path === '' ? [] : path.split('/'), (folder) =>
        names.flatMap((name) => {
          const hashed = hashFile(folder, decodePath(name), hasher);
          return hashed === null ? [] : [{ path: path === '' ? name : `${path}/${name}`, ...hashed }];
        }),
      ),
    );
  } finally {
    top.close();
  }
}

function openBelow(folder: Folder, names: string[], act: (folder: Folder) => Artifact[]): Artifact[] {
  const [name, ...rest] = names;
  if (name === undefined) return act(folder);
  const next = folder.open(decodePath(name));
  try {
    return openBelow(next, rest, act);
  } finally {
    next.close();
  }
}

function hashFile(folder: Folder, name: Buffer, hasher: Hasher): Omit<Artifact, 'path'> | null {
  const fd = openIfThere(folder, name);
  if (fd === null) return null;
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) return null;
    return { ...digest(fd, hasher), mode: stat.mode & 0o777, type: 'file' };
  } finally {
    fs.closeSync(fd);
  }
}

function openIfThere(folder: Folder, name: Buffer): number | null {
  try {
    return folder.openFile(name);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ELOOP')) return null;
    throw error;
  }
}

function digest(fd: number, { buffer, onBytes }: Hasher): { sizeBytes: number; sha256: string } {
  let count = fs.readSync(fd, buffer, 0, buffer.length, 0);
  // A short read of a regular file is its end: small files, the many, take one call each.
  if (count < buffer.length) {
    onBytes(count);
    return { sizeBytes: count, sha256: hashOnce('sha256', buffer.subarray(0, count), 'hex') };
  }
  const hash = createHash('sha256');
  let sizeBytes = 0;
  while (count > 0) {
    hash.update(buffer.subarray(0, count));
    sizeBytes += count;
    onBytes(count);
    count = fs.readSync(fd, buffer, 0, buffer.length, sizeBytes);
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}
