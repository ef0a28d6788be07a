// How the kernel describes each entry of a tree, so that it can be told later whether anything was done to it. A change
// of content, mode, owner, attributes or links of a file changes its ctime, which no call can set; a new or a missing
// entry changes that of its folder. So an entry that is described the same is the same, without being read.
// Synchronous: it runs in a worker when the tree is large. Paths are texts of one character a byte (latin1).

import * as fs from 'node:fs';
import { bytesOf } from './byte-text.ts';

/** dev, ino, mode, uid, gid, nlink, size, mtime, ctime. */
export const FIELDS = 9;

export interface TreeRecord {
  /** Folders before what is in them; '' is the top. Its `.git` is left out. */
  paths: string[];
  /** FIELDS numbers for each path. */
  stats: Float64Array;
}

/** Describes everything below `top`, following no symlink. */
export function recordTree(top: string): TreeRecord {
  const record = { paths: [] as string[], numbers: [] as number[] };
  const take = (path: string) => {
    const stat = fs.lstatSync(bytesOf(path === '' ? top : `${top}/${path}`));
    record.paths.push(path);
    record.numbers.push(...fieldsOf(stat));
    if (!stat.isDirectory()) return;
    for (const name of namesIn(top, path)) take(path === '' ? name : `${path}/${name}`);
  };
  take('');
  return { paths: record.paths, stats: Float64Array.from(record.numbers) };
}

/** Names in a folder of the tree; those at the top without `.git`. */
export function namesIn(top: string, folder: string): string[] {
  if (folder !== '') return fs.readdirSync(bytesOf(`${top}/${folder}`), { encoding: 'latin1' });
  return fs.readdirSync(bytesOf(top), { encoding: 'latin1' }).filter((name) => name !== '.git');
}

export function fieldsOf(stat: fs.Stats): number[] {
  const { dev, ino, mode, uid, gid, nlink, size, mtimeMs, ctimeMs } = stat;
  return [dev, ino, mode, uid, gid, nlink, size, mtimeMs, ctimeMs];
}

export function isFolderAt({ stats }: TreeRecord, at: number): boolean {
  return ((stats[at * FIELDS + 2] ?? 0) & fs.constants.S_IFMT) === fs.constants.S_IFDIR;
}

/** What is not as described: folders that are folders still, and, as files, everything else. */
export function differing(top: string, record: TreeRecord): { files: string[]; folders: string[] } {
  const found = { files: [] as string[], folders: [] as string[] };
  const { paths, stats } = record;
  for (const [at, path] of paths.entries()) {
    const stat = lookAt(path === '' ? top : `${top}/${path}`);
    if (stat !== undefined && isSame(stat, stats, at * FIELDS)) continue;
    (isFolderAt(record, at) && stat?.isDirectory() ? found.folders : found.files).push(path);
  }
  return found;
}

function lookAt(path: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(bytesOf(path), { throwIfNoEntry: false });
  } catch {
    return undefined; // a file where a folder was, a folder that may not be entered: not as it was
  }
}

function isSame(stat: fs.Stats, stats: Float64Array, from: number): boolean {
  return (
    stat.ctimeMs === stats[from + 8] &&
    stat.mtimeMs === stats[from + 7] &&
    stat.size === stats[from + 6] &&
    stat.nlink === stats[from + 5] &&
    stat.gid === stats[from + 4] &&
    stat.uid === stats[from + 3] &&
    stat.mode === stats[from + 2] &&
    stat.ino === stats[from + 1] &&
    stat.dev === stats[from]
  );
}

/** Whether two trees have the same entries with the same modes, owners and sizes, on the same file system. */
export function isSameShape(a: TreeRecord, b: TreeRecord): boolean {
  if (a.paths.length !== b.paths.length) return false;
  const places = new Map(b.paths.map((path, at) => [path, at]));
  return a.paths.every((path, at) => {
    const other = places.get(path);
    if (other === undefined) return false;
    const isFolder = isFolderAt(a, at);
    // The size and the links of a folder are the file system's business.
    const fields = isFolder ? [0, 2, 3, 4] : [0, 2, 3, 4, 5, 6];
    return fields.every((field) => a.stats[at * FIELDS + field] === b.stats[other * FIELDS + field]);
  });
}

/** Replaces what is recorded of some entries. */
export function overlay(record: TreeRecord, newer: Readonly<Record<string, number[]>>): TreeRecord {
  const wanted = new Map(Object.entries(newer));
  for (const [at, path] of record.paths.entries()) {
    const fields = wanted.get(path);
    if (fields !== undefined) record.stats.set(fields, at * FIELDS);
  }
  return record;
}

/** A count, the numbers, the paths. Replaces `file`. */
export function writeRecord(file: string, { paths, stats }: TreeRecord): void {
  const text = Buffer.from(paths.join('\0'), 'latin1');
  const count = Float64Array.of(paths.length);
  fs.rmSync(file, { force: true });
  const parts = [
    Buffer.from(count.buffer),
    Buffer.from(stats.buffer, stats.byteOffset, stats.byteLength),
    text,
  ];
  fs.writeFileSync(file, Buffer.concat(parts), { mode: 0o600, flag: 'wx' });
}

/** Throws when the file isn't whole. */
export function readRecord(file: string): TreeRecord {
  const bytes = fs.readFileSync(file);
  const count = bytes.readDoubleLE(0);
  const end = 8 + count * FIELDS * 8;
  const stats = new Float64Array(bytes.buffer.slice(bytes.byteOffset + 8, bytes.byteOffset + end));
  const paths = bytes.toString('latin1', end).split('\0');
  if (paths.length !== count || stats.length !== count * FIELDS) throw new RangeError(`${file} is not whole`);
  return { paths, stats };
}
