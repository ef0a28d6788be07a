// Deleting whatever a program left behind: renamed out of the way at once, deleted in the background, one tree at a
// time. Symlinks are removed, never followed; another file system mounted inside is left alone.

import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { isErrno, messageOf } from '../../shared/errors.ts';
import { entryClaimedBy } from './worktree-entry.ts';

export interface TrashOptions {
  /** On the file system of what is thrown away. Made when missing. */
  folder: string;
  /** Told when something can't be deleted; it stays for the next `empty`. */
  report: (message: string) => void;
}

export class Trash {
  readonly #folder: string;
  readonly #report: (message: string) => void;
  #deleting: Promise<void> = Promise.resolve();

  constructor({ folder, report }: TrashOptions) {
    this.#folder = folder;
    this.#report = report;
  }

  /** A path in the trash that nothing has yet: whatever is made there and not moved out is deleted at next start. */
  async newPath(name: string): Promise<string> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    return join(this.#folder, `${name}.${randomBytes(6).toString('hex')}`);
  }

  /** Takes `path` away; it is gone when this resolves, its deletion goes on. Nothing there is fine. */
  async discard(path: string): Promise<void> {
    const found = await lstat(path).catch((error: unknown) => ifMissing(error));
    if (found === null) return;
    // Moving a folder to another parent needs write permission on the folder itself.
    if (found.isDirectory()) await chmod(path, 0o700);
    const thrown = await this.newPath(basename(path));
    await rename(path, thrown);
    this.#deleteLater(thrown);
  }

  /** Deletes in the background what an earlier daemon left. Only before anything is being made in the trash. */
  async empty(): Promise<void> {
    const names = await readdir(this.#folder).catch((error: unknown) => ifMissing(error));
    for (const name of names ?? []) {
      const path = join(this.#folder, name);
      const entry = await entryClaimedBy(path);
      if (entry !== null) await rm(entry, { recursive: true, force: true });
      this.#deleteLater(path);
    }
  }

  /** Resolves when everything thrown away so far has been deleted or reported. */
  idle(): Promise<void> {
    return this.#deleting;
  }

  #deleteLater(path: string): void {
    this.#deleting = this.#deleting
      .then(() => deleteTree(path))
      .catch((error: unknown) => this.#report(`could not delete ${path}: ${messageOf(error)}`));
  }
}

/** Deletes a tree, read-only folders included. Throws when something stays (another account's files, a mount). */
export async function deleteTree(path: string): Promise<void> {
  const args = ['-rf', '--one-file-system', '--', path];
  const quick = await execa('rm', args, { reject: false, stdin: 'ignore' });
  if (!quick.failed) return;
  // chmod -R follows no symlink that it meets; the path itself must not be one.
  if ((await lstat(path)).isDirectory()) {
    await execa('chmod', ['-R', 'u+rwX', '--', path], { reject: false, stdin: 'ignore' });
  }
  await execa('rm', args, { stdin: 'ignore' });
}

function ifMissing(error: unknown): null {
  if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
  throw error;
}
