// sha256 of kept files. Runs in a worker, one file at a time, with one buffer: memory doesn't depend on sizes.

import { createHash, hash as hashOnce } from 'node:crypto';
import * as fs from 'node:fs';
import { decodePath } from '../../shared/byte-path.ts';
import { isErrno } from '../../shared/errors.ts';
import { Folder } from './folder.ts';
import type { Artifact } from './manifest.ts';

export const READ_BYTES = 1024 * 1024;

export interface Hasher {
  /** Of READ_BYTES. */
  buffer: Buffer;
  /** Told of every read. */
  onBytes: (bytes: number) => void;
}

export interface HashRequest {
  root: string;
  /** Relative to the root, as in the manifest. */
  path: string;
}

export interface HashTarget {
  name: Buffer;
  path: string;
  hasher: Hasher;
  /** Larger files are only measured. */
  mostBytes: number;
}

/** The file `path`; null if it is gone or no regular file any more. */
export function hashFile({ root, path }: HashRequest, hasher: Hasher): Artifact | null {
  const names = path.split('/').map(decodePath);
  const name = names.pop() ?? Buffer.alloc(0);
  const opened = [Folder.root(root)];
  try {
    const folder = names.reduce((parent, each) => {
      const next = parent.open(each);
      opened.push(next);
      return next;
    }, opened[0] as Folder);
    const hashed = hashEntry(folder, { name, path, hasher, mostBytes: Number.POSITIVE_INFINITY });
    return hashed !== null && 'sha256' in hashed ? hashed : null;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return null;
    throw error;
  } finally {
    for (const folder of opened) folder.close();
  }
}

/** The regular file `name` of a folder, its permissions made safe; its size alone if it is over the limit. */
export function hashEntry(
  folder: Folder,
  { name, path, hasher, mostBytes }: HashTarget,
): Artifact | { path: string; sizeBytes: number } | null {
  const fd = folder.openFile(name);
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) return null;
    const mode = Folder.restrict(fd, stat);
    if (stat.size > mostBytes) return { path, sizeBytes: stat.size };
    return { path, ...digest(fd, hasher), mode, type: 'file' };
  } finally {
    fs.closeSync(fd);
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
