// Open directories, and names below them. Every step into a tree goes through an open descriptor
// (/proc/self/fd/N/name is Linux's openat for programs without one), so a component that is swapped for a
// symlink between two calls can't lead outside, and depth never meets PATH_MAX.
// Synchronous on purpose: it runs in worker threads. Must never follow a symlink below a root.

import * as fs from 'node:fs';
import { isErrno } from '../../shared/errors.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** Not in node's constants; the same number on every Linux that node runs on but alpha and sparc. */
const O_PATH = 0o10000000;

export class Folder {
  readonly fd: number;
  readonly mode: number;
  readonly #prefix: Buffer;

  private constructor(fd: number, mode: number) {
    this.fd = fd;
    this.mode = mode;
    this.#prefix = Buffer.from(`/proc/self/fd/${fd}/`);
  }

  /** Opens a directory of ours by path; links on the way to it are the owner's business and followed. */
  static root(path: string): Folder {
    return Folder.#adopt(fs.openSync(path, O_RDONLY | O_DIRECTORY));
  }

  /** Opens the directory `name`; throws ENOTDIR or ELOOP if it is anything else, a symlink included. */
  open(name: Buffer): Folder {
    return Folder.#adopt(openGranting(this.at(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0o700));
  }

  /** Opens the directory `name`, made if it isn't there. */
  make(name: Buffer, mode: number): Folder {
    try {
      fs.mkdirSync(this.at(name), { mode });
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
    }
    return this.open(name);
  }

  /** Opens the regular file `name` for reading. Never blocks on a fifo; the caller checks `fstat`. */
  openFile(name: Buffer): number {
    return openGranting(this.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0o400);
  }

  /**
   * What we keep is data: it doesn't run as its owner for others (setuid, setgid), and its owner can read it.
   * Returns the permission bits. A file with other names is left alone, they are not ours to change.
   */
  static restrict(fd: number, { mode, nlink }: fs.Stats): number {
    const kept = keptMode(mode);
    if ((mode & 0o7777) === kept || nlink > 1) return mode & 0o777;
    return chmodOwn(fd, kept) ? kept : mode & 0o777;
  }

  /** A path for `name` that stays in this very directory, wherever it is moved. */
  at(name: Buffer): Buffer {
    return Buffer.concat([this.#prefix, name]);
  }

  names(): Buffer[] {
    return fs.readdirSync(this.#prefix, { encoding: 'buffer' });
  }

  entries(): fs.Dirent<Buffer>[] {
    return fs.readdirSync(this.#prefix, { encoding: 'buffer', withFileTypes: true });
  }

  close(): void {
    fs.closeSync(this.fd);
  }

  static #adopt(fd: number): Folder {
    const { mode } = fs.fstatSync(fd);
    // A program may leave its folders read-only: moving out of them needs the right to write. Nor do we keep
    // setgid, whose meaning for new files would go on.
    if ((mode & 0o7700) !== 0o700) chmodOwn(fd, (mode & 0o777) | 0o700);
    return new Folder(fd, mode & 0o777);
  }
}

/** The permission bits that a kept file with these bits has. */
export function keptMode(mode: number): number {
  return (mode & 0o777) | 0o400;
}

/** False for what another user owns (a container may have written it): what its bits allow is still done. */
function chmodOwn(fd: number, mode: number): boolean {
  try {
    fs.fchmodSync(fd, mode);
    return true;
  } catch (error) {
    if (!isErrno(error, 'EPERM')) throw error;
    return false;
  }
}

/** open(2); where the owner took away his own rights, gives them back to that very inode and opens it. */
function openGranting(path: Buffer, flags: number, rights: number): number {
  try {
    return fs.openSync(path, flags);
  } catch (error) {
    if (!isErrno(error, 'EACCES')) throw error;
  }
  const handle = fs.openSync(path, O_PATH | O_NOFOLLOW);
  try {
    const stat = fs.fstatSync(handle);
    const self = `/proc/self/fd/${handle}`;
    // A file with a second name may be somebody else's business under that one: it stays as it is.
    const isOurs = stat.isDirectory() || (stat.isFile() && stat.nlink === 1);
    if (isOurs) fs.chmodSync(self, (stat.mode & 0o777) | rights);
    // Reopened through the descriptor: O_NOFOLLOW would refuse the magic link itself.
    return fs.openSync(self, flags & ~O_NOFOLLOW);
  } finally {
    fs.closeSync(handle);
  }
}
