// Moves one entry from one open folder to another: by rename where it can, by a copy that is complete before
// it gets its name where it can't. Links are moved as links. Runs in a worker.

import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { isErrno } from '../../shared/errors.ts';
import { Folder, keptMode } from './folder.ts';

export interface Place {
  folder: Folder;
  name: Buffer;
}

export class Mover {
  readonly #partialPath: string;
  #partial: Folder | undefined;
  /** Copies of files with several names, by device and inode: names of one file stay names of one file. */
  readonly #copies = new Map<string, Buffer>();

  /** `partialPath`: a folder of its own for unfinished copies, on the file system of the destination. */
  constructor(partialPath: string) {
    this.#partialPath = partialPath;
    this.#clear();
  }

  /**
   * `stat` is what `from` was a moment ago. If it has been swapped since, it is moved as what it is now, or
   * not at all, which is said by false; never followed.
   */
  move(from: Place, to: Place, stat: fs.Stats): boolean {
    const key = `${stat.dev}:${stat.ino}`;
    const copy = stat.isFile() ? this.#copies.get(key) : undefined;
    // A second name outside of what we keep would go on changing the kept file: it gets an inode of its own.
    if (copy !== undefined || (stat.isFile() && stat.nlink > 1)) {
      return this.#moveLinked(from, to, { key, copy });
    }
    try {
      fs.renameSync(from.folder.at(from.name), to.folder.at(to.name));
      return true;
    } catch (error) {
      if (!isErrno(error, 'EXDEV')) throw error;
      return this.#across(from, to, stat);
    }
  }

  /** Removes unfinished copies. */
  close(): void {
    this.#partial?.close();
    this.#clear();
  }

  #moveLinked(from: Place, to: Place, { key, copy }: { key: string; copy: Buffer | undefined }): boolean {
    const kept = copy ?? this.#copyFile(from);
    if (kept === null) return false;
    this.#copies.set(key, kept);
    fs.rmSync(to.folder.at(to.name), { force: true });
    fs.linkSync(this.#openPartial().folder.at(kept), to.folder.at(to.name));
    fs.unlinkSync(from.folder.at(from.name));
    return true;
  }

  #across(from: Place, to: Place, stat: fs.Stats): boolean {
    const { folder } = this.#openPartial();
    const name = stat.isSymbolicLink() ? this.#copyLink(from) : this.#copyFile(from);
    if (name === null) return false;
    fs.renameSync(folder.at(name), to.folder.at(to.name));
    fs.unlinkSync(from.folder.at(from.name));
    return true;
  }

  /** The name of a copy among the unfinished; null if it is no regular file any more. */
  #copyFile(from: Place): Buffer | null {
    const { folder, name } = this.#openPartial();
    const source = from.folder.openFile(from.name);
    try {
      const stat = fs.fstatSync(source);
      if (!stat.isFile()) return null;
      const path = folder.at(name);
      // Through the descriptor: what was checked is what is copied. FICLONE shares the blocks where it can.
      const flags = fs.constants.COPYFILE_FICLONE | fs.constants.COPYFILE_EXCL;
      fs.copyFileSync(`/proc/self/fd/${source}`, path, flags);
      fs.chmodSync(path, keptMode(stat.mode));
      fs.utimesSync(path, stat.atimeMs / 1000, stat.mtimeMs / 1000);
    } finally {
      fs.closeSync(source);
    }
    return name;
  }

  #copyLink(from: Place): Buffer {
    const { folder, name } = this.#openPartial();
    fs.symlinkSync(fs.readlinkSync(from.folder.at(from.name), { encoding: 'buffer' }), folder.at(name));
    return name;
  }

  #openPartial(): Place {
    if (this.#partial === undefined) {
      fs.mkdirSync(this.#partialPath, { mode: 0o700 });
      this.#partial = Folder.root(this.#partialPath);
    }
    return { folder: this.#partial, name: Buffer.from(randomUUID()) };
  }

  #clear(): void {
    fs.rmSync(this.#partialPath, { recursive: true, force: true });
  }
}
