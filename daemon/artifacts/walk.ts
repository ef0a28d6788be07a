// A depth-first walk that moves what its visitor chooses from a tree of the space to a tree of ours.
// What can't be moved is named, not thrown; a full disk is thrown, as the caller must keep the space.

import * as fs from 'node:fs';
import { isErrno, QwexError } from '../../shared/errors.ts';
import { encodePath } from './byte-path.ts';
import type { Destination } from './destination.ts';
import type { Folder } from './folder.ts';
import type { Skipped, SkipReason } from './manifest.ts';
import type { Mover } from './move.ts';

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

export class MovingWalk {
  readonly skipped: Skipped[] = [];
  readonly #mover: Mover;
  readonly #choose: (entry: Entry) => Choice;

  constructor(mover: Mover, choose: (entry: Entry) => Choice) {
    this.#mover = mover;
    this.#choose = choose;
  }

  /** Every entry of the level's folder. */
  all(level: Level): void {
    for (const name of level.source.names()) this.one(level, name);
  }

  /** The entry `name` of the level's folder, with all that is in it. */
  one(level: Level, name: Buffer): void {
    const path = join(level.path, name);
    this.#named(path, () => {
      const stat = fs.lstatSync(level.source.at(name), { throwIfNoEntry: false });
      if (stat === undefined) return;
      const choice = this.#choose({ path, stat });
      if (choice === 'pass') return;
      if (choice !== 'keep') this.skipped.push({ path, reason: choice, sizeBytes: stat.size });
      else if (stat.isDirectory()) this.#below(level, { name, path }, (below) => this.all(below));
      else this.#move(level, { name, path, stat });
    });
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

  /** Opens the folder `name`; throws ENOTDIR or ELOOP if it has become anything else. */
  #below(level: Level, { name, path }: { name: Buffer; path: string }, act: (level: Level) => void): void {
    if (level.depth >= MAX_DEPTH) {
      this.skipped.push({ path, reason: 'too_deep' });
      return;
    }
    const source = level.source.open(name);
    const destination = level.destination.below(name, source.mode);
    try {
      act({ source, destination, path, depth: level.depth + 1 });
    } finally {
      destination.close();
      source.close();
    }
  }

  #move(level: Level, { name, path, stat }: Entry & { name: Buffer }): void {
    const special = specialKind(stat);
    if (special === null) {
      const to = { folder: level.destination.open(), name };
      this.#mover.move({ folder: level.source, name }, to, stat);
    } else this.skipped.push({ path, reason: special });
  }

  /** What the system refuses for one entry is that entry's trouble. */
  #named(path: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return; // gone between two looks: nothing to keep
      if (isErrno(error, 'ENOSPC', 'EDQUOT')) {
        throw new QwexError({
          code: 'no_space',
          message: `Keeping ${JSON.stringify(path)} failed: the disk that holds the runs is full.`,
          hint: 'Make room (`qwex gc`); nothing of the run is deleted until its files are kept.',
          cause: error,
        });
      }
      if (!isErrno(error, ...REFUSALS)) throw error;
      this.skipped.push({ path, reason: 'unreadable', detail: error.code });
    }
  }
}

const REFUSALS = ['EACCES', 'EPERM', 'ELOOP', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EIO', 'ESTALE', 'EBUSY'];

function specialKind(stat: fs.Stats): SkipReason | null {
  if (stat.isFile() || stat.isSymbolicLink()) return null;
  if (stat.isFIFO()) return 'fifo';
  return stat.isSocket() ? 'socket' : 'device';
}

function join(folder: string, name: Buffer): string {
  const text = encodePath(name);
  return folder === '' ? text : `${folder}/${text}`;
}
