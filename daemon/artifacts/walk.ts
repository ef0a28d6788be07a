// Moves what its visitor chooses from a tree of the space to a tree of ours: looks at everything first, then
// moves each folder that is kept as it is in one rename, and the others entry by entry.
// What can't be moved is named, not thrown; a full disk is thrown, as the caller must keep the space.

import * as fs from 'node:fs';
import { encodePath } from '../../shared/byte-path.ts';
import { isErrno, QwexError } from '../../shared/errors.ts';
import type { Destination } from './destination.ts';
import type { Folder } from './folder.ts';
import type { Skipped, SkipReason } from './manifest.ts';
import type { Mover } from './move.ts';
import { specialKind } from './special.ts';

/** Two descriptors are open at each level; 200 levels fit into the smallest usual limit, 1024. */
export const MAX_DEPTH = 200;

export interface Entry {
  path: string;
  stat: fs.Stats;
}

/** 'keep' moves a file or enters a folder; 'pass' leaves it; anything else names the file as skipped. */
export type Choice = 'keep' | 'pass' | SkipReason;

export interface Level {
  source: Folder;
  destination: Destination;
  /** Of `source`, relative to the space; '' at its top. */
  path: string;
  depth: number;
}

interface Planned extends Entry {
  name: Buffer;
  /** What to keep of a folder that can't go as it is. */
  entries?: Planned[];
}

export class MovingWalk {
  readonly skipped: Skipped[] = [];
  readonly #mover: Mover;
  readonly #choose: (entry: Entry) => Choice;
  #isOneFileSystem = true;

  constructor(mover: Mover, choose: (entry: Entry) => Choice) {
    this.#mover = mover;
    this.#choose = choose;
  }

  /** Every entry of the level's folder. */
  all(level: Level): void {
    for (const planned of this.#lookInto(level.source, level)) this.#take(level, planned);
  }

  /** The entry `name` of the level's folder, with all that is in it. */
  one(level: Level, name: Buffer): void {
    const planned = this.#look(level.source, name, level);
    if (planned !== null) this.#take(level, planned);
  }

  /** Goes down `names` to the last one and hands it to `act`; a symlink or a gap on the way ends it. */
  down(level: Level, names: Buffer[], act: (level: Level, name: Buffer) => void): void {
    const [name, ...rest] = names;
    if (name === undefined) return;
    const path = join(level.path, name);
    this.#named(path, () => {
      if (rest.length === 0) act(level, name);
      else if (fs.lstatSync(level.source.at(name)).isSymbolicLink()) {
        this.skipped.push({ path, reason: 'symlinked_folder' });
      } else this.#below(level, { name, path }, (below) => this.down(below, rest, act));
    });
  }

  #lookInto(source: Folder, at: { path: string; depth: number }): Planned[] {
    return source.names().flatMap((name) => this.#look(source, name, at) ?? []);
  }

  /** What is to be kept of one entry; null if nothing. */
  #look(source: Folder, name: Buffer, at: { path: string; depth: number }): Planned | null {
    const path = join(at.path, name);
    return this.#named(path, () => {
      const stat = fs.lstatSync(source.at(name));
      const choice = this.#choose({ path, stat });
      if (choice === 'pass') return null;
      const reason = choice === 'keep' ? specialKind(stat) : choice;
      if (reason === null) {
        return stat.isDirectory()
          ? this.#lookBelow(source, { name, path, stat }, at.depth)
          : { name, path, stat };
      }
      this.skipped.push({ path, reason, ...(stat.isFile() ? { sizeBytes: stat.size } : {}) });
      return null;
    });
  }

  #lookBelow(parent: Folder, planned: Planned, depth: number): Planned | null {
    if (depth >= MAX_DEPTH) {
      this.skipped.push({ path: planned.path, reason: 'too_deep' });
      return null;
    }
    const source = parent.open(planned.name);
    try {
      const names = source.names();
      const at = { path: planned.path, depth: depth + 1 };
      const entries = names.flatMap((name) => this.#look(source, name, at) ?? []);
      // An empty folder holds nothing to keep; in one that is moved as a whole it would be kept by accident.
      const isWhole = names.length > 0 && entries.length === names.length && entries.every(goesAsItIs);
      return isWhole ? planned : { ...planned, entries };
    } finally {
      source.close();
    }
  }

  #take(level: Level, planned: Planned): void {
    this.#named(planned.path, () => {
      if (planned.stat.isDirectory()) {
        if (planned.entries === undefined && this.#renamed(level, planned.name)) return;
        this.#below(level, planned, (below) => {
          for (const entry of planned.entries ?? this.#lookInto(below.source, below))
            this.#take(below, entry);
        });
        return;
      }
      const to = { folder: level.destination.open(), name: planned.name };
      const isMoved = this.#mover.move({ folder: level.source, name: planned.name }, to, planned.stat);
      if (!isMoved) this.skipped.push({ path: planned.path, reason: 'unreadable', detail: 'changed' });
    });
  }

  /** Moves a whole folder; false where it has to go entry by entry. */
  #renamed({ source, destination }: Level, name: Buffer): boolean {
    if (!this.#isOneFileSystem) return false;
    try {
      fs.renameSync(source.at(name), destination.open().at(name));
      return true;
    } catch (error) {
      if (!isErrno(error, 'EXDEV', 'EEXIST', 'ENOTEMPTY', 'ENOTDIR')) throw error;
      this.#isOneFileSystem = error.code !== 'EXDEV';
      return false;
    }
  }

  /** Opens the folder `name`; throws ENOTDIR or ELOOP if it has become anything else. */
  #below(level: Level, { name, path }: { name: Buffer; path: string }, act: (level: Level) => void): void {
    const source = level.source.open(name);
    const destination = level.destination.below(name, source.mode);
    try {
      act({ source, destination, path, depth: level.depth + 1 });
    } finally {
      destination.close();
      source.close();
    }
  }

  /** What the system refuses for one entry is that entry's trouble. */
  #named<T>(path: string, act: () => T): T | null {
    try {
      return act();
    } catch (error) {
      if (isErrno(error, 'ENOSPC', 'EDQUOT')) throw noSpace(path, error);
      if (isErrno(error, ...REFUSALS)) {
        this.skipped.push({ path, reason: 'unreadable', detail: error.code });
      } else if (!isErrno(error, 'ENOENT')) throw error; // ENOENT: gone between two looks, nothing to keep
      return null;
    }
  }
}

const REFUSALS = ['EACCES', 'EPERM', 'ELOOP', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EIO', 'ESTALE', 'EBUSY'];

function goesAsItIs({ stat, entries }: Planned): boolean {
  return stat.isDirectory() ? entries === undefined : stat.isSymbolicLink() || stat.nlink === 1;
}

function join(folder: string, name: Buffer): string {
  const text = encodePath(name);
  return folder === '' ? text : `${folder}/${text}`;
}

function noSpace(path: string, cause: unknown): QwexError {
  return new QwexError({
    code: 'no_space',
    message: `Keeping ${JSON.stringify(path)} failed: the disk that holds the runs is full.`,
    hint: 'Make room (`qwex gc`); nothing of the run is deleted until its files are kept.',
    cause,
  });
}
