// What a program left in its space outside of the watched directories goes to the run's `left/`, as it is,
// and is deleted when it is older than the term. Runs in a worker.

import * as fs from 'node:fs';
import { decodePath } from '../../shared/byte-path.ts';
import { isErrno } from '../../shared/errors.ts';
import type { leftSchema } from '../../shared/schemas/run.ts';
import { Destination } from './destination.ts';
import { Folder, keptMode } from './folder.ts';
import { IgnorePatterns } from './ignore.ts';
import { type KeptEntry, visitKept } from './inventory.ts';
import type { Skipped } from './manifest.ts';
import { Mover } from './move.ts';
import { filePath, isBelow, topMost } from './paths.ts';
import { type Level, MovingWalk } from './walk.ts';

export const LEFT_TERM_MS = 7 * 24 * 60 * 60 * 1000;

export type LeftEntry = ReturnType<(typeof leftSchema)['parse']>;

export interface LeftRequest {
  /** Absolute path of the space. */
  space: string;
  /** Top-most new entries, relative to the space. */
  entries: string[];
  /** Absolute path of the run's `left/`. */
  leftDir: string;
  /** Patterns of entries that nobody misses. */
  ignorePatterns: string[];
}

export interface Left {
  /** Everything in `leftDir`, by entry, also what an interrupted attempt had moved. */
  kept: LeftEntry[];
  skipped: Skipped[];
}

/** Moves the entries to `leftDir`. Throws no_space; anything else it can't keep is in `skipped`. */
export function keepLeft(request: LeftRequest): Left {
  const ignore = new IgnorePatterns(request.ignorePatterns);
  const entries = topMost(request.entries.map(filePath)).filter((path) => !ignore.matchesBelow(path));
  const moved = entries.length === 0 ? [] : moveAll(request, entries);
  const { kept, skipped } = summarize(request.leftDir, entries);
  return { kept, skipped: [...moved, ...skipped] };
}

/** True if `leftDir` is a folder that was last added to more than the term ago. */
export async function isLeftExpired(leftDir: string, nowMs: number): Promise<boolean> {
  try {
    const stat = await fs.promises.lstat(leftDir);
    return stat.isDirectory() && nowMs - stat.mtimeMs > LEFT_TERM_MS;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

function moveAll({ space, leftDir }: LeftRequest, entries: string[]): Skipped[] {
  fs.mkdirSync(leftDir, { recursive: true, mode: 0o700 });
  const mover = new Mover(`${leftDir}.partial`);
  const walk = new MovingWalk(mover, ({ path }) => (path === '.git' ? 'pass' : 'keep'));
  const source = Folder.root(space);
  const destination = Folder.root(leftDir);
  try {
    const top: Level = { source, destination: Destination.top(destination), path: '', depth: 0 };
    for (const entry of entries) {
      if (entry === '.') walk.all(top);
      else walk.down(top, entry.split('/').map(decodePath), (level, name) => moveWhole(walk, level, name));
    }
  } finally {
    destination.close();
    source.close();
    mover.close();
  }
  return walk.skipped;
}

/** A folder goes in one rename, however much is in it; only where that can't be is it taken piece by piece. */
function moveWhole(walk: MovingWalk, level: Level, name: Buffer): void {
  const isFolder = fs.lstatSync(level.source.at(name), { throwIfNoEntry: false })?.isDirectory() === true;
  const isRepository = level.path === '' && name.toString() === '.git';
  if (!isFolder || isRepository) {
    walk.one(level, name);
    return;
  }
  try {
    fs.renameSync(level.source.at(name), level.destination.open().at(name));
  } catch (error) {
    if (!isErrno(error, 'EXDEV', 'EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EACCES', 'ENOENT')) throw error;
    walk.one(level, name);
  }
}

function summarize(leftDir: string, entries: string[]): Left {
  const sums = new Map<string, LeftEntry>();
  const skipped: Skipped[] = [];
  const visit = (folder: Folder, { name, path, isSymlink }: KeptEntry) => {
    const entry = entries.find((each) => each !== '.' && isBelow(path, each)) ?? path.split('/')[0] ?? path;
    const sum = sums.get(entry) ?? { path: entry, sizeBytes: 0, files: 0 };
    const sizeBytes = isSymlink ? 0 : restrictedSize(folder, name);
    sums.set(entry, { path: entry, sizeBytes: sum.sizeBytes + sizeBytes, files: sum.files + 1 });
  };
  visitKept(leftDir, { visit, onSkipped: (each) => skipped.push(each) });
  return { kept: [...sums.values()].sort((a, b) => (a.path < b.path ? -1 : 1)), skipped };
}

/** Size of a kept file, its permissions made safe. */
function restrictedSize(folder: Folder, name: Buffer): number {
  const stat = fs.lstatSync(folder.at(name));
  if (!stat.isFile() || (stat.mode & 0o7777) === keptMode(stat.mode)) return stat.size;
  const fd = folder.openFile(name);
  try {
    Folder.restrict(fd, fs.fstatSync(fd));
  } finally {
    fs.closeSync(fd);
  }
  return stat.size;
}
