// Takes the files of the watched directories out of a space. Runs in a worker, after the run's processes have
// ended, though some may have escaped: nothing is believed twice. Can be run again after a crash: what was
// moved is no longer there, what wasn't is moved now.

import * as fs from 'node:fs';
import { decodePath } from '../../shared/byte-path.ts';
import { Destination } from './destination.ts';
import { Folder } from './folder.ts';
import { IgnorePatterns } from './ignore.ts';
import type { Skipped } from './manifest.ts';
import { Mover } from './move.ts';
import { type Choice, type Entry, type Level, MovingWalk } from './walk.ts';

export interface CaptureRequest {
  /** Absolute path of the space. */
  space: string;
  /** As `watchedPath` gives them, top-most only. */
  watchedPaths: string[];
  ignorePatterns: string[];
  maxFileBytes: number;
  /** Absolute path of the run's `files/`. */
  filesDir: string;
  /** Paths, relative to the space, of files that the commit has just the same. */
  unchanged: ReadonlySet<string>;
}

export interface Captured {
  skipped: Skipped[];
  ignored: number;
  unchanged: number;
}

/** Moves what is to be kept into `filesDir`. Throws no_space; anything else it can't keep is in `skipped`. */
export function capture(request: CaptureRequest): Captured {
  fs.mkdirSync(request.filesDir, { recursive: true, mode: 0o700 });
  const counts = { ignored: 0, unchanged: 0 };
  const mover = new Mover(`${request.filesDir}.partial`);
  const walk = new MovingWalk(mover, chooser(request, counts));
  const space = Folder.root(request.space);
  const files = Folder.root(request.filesDir);
  try {
    const top: Level = { source: space, destination: Destination.top(files), path: '', depth: 0 };
    for (const path of request.watchedPaths) {
      if (path === '.') walk.all(top);
      else walk.down(top, path.split('/').map(decodePath), (level, name) => walk.one(level, name));
    }
  } finally {
    files.close();
    space.close();
    mover.close();
  }
  return { skipped: walk.skipped, ...counts };
}

function chooser(request: CaptureRequest, counts: { ignored: number; unchanged: number }) {
  const ignore = new IgnorePatterns(request.ignorePatterns);
  const watched = new Set(request.watchedPaths);
  return ({ path, stat }: Entry): Choice => {
    // A worktree's own `.git` names its repository: moving it would break the space, not keep a result.
    if (path === '.git') return 'pass';
    if (!watched.has(path) && ignore.matches(path, stat.isDirectory())) {
      counts.ignored++;
      return 'pass';
    }
    if (stat.isDirectory()) return 'keep';
    if (request.unchanged.has(path)) {
      counts.unchanged++;
      return 'pass';
    }
    return stat.isFile() && stat.size > request.maxFileBytes ? 'too_large' : 'keep';
  };
}
