// Deleting whatever a program left behind: renamed out of the way at once, deleted in the background, one tree at a
// time. Symlinks are removed, never followed; another file system mounted inside is left alone.

import { randomBytes } from 'node:crypto';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { chmod, lstat, mkdir, readdir, rename } from '../../shared/at-once.ts';
import { isErrno, messageOf } from '../../shared/errors.ts';
import { run } from '../starter/run.ts';
import { entryClaimedBy, removeEntry } from './worktree-entry.ts';

export interface TrashOptions {
  /** On the file system of what is thrown away. Made when missing. */
  folder: string;
  /** Told when something can't be deleted; it stays for the next `empty`. */
  report: (message: string) => void;
}

const GATHER_MS = 200;
/** Of the paths of one command line. */
const MOST_AT_ONCE = 200;

export class Trash {
  readonly folder: string;
  readonly #report: (message: string) => void;
  #deleting: Promise<void> = Promise.resolve();
  readonly #thrown: string[] = [];

  constructor({ folder, report }: TrashOptions) {
    this.folder = folder;
    this.#report = report;
  }

  /** A path in the trash that nothing has yet: whatever is made there and not moved out is deleted at next start. */
  async newPath(name: string): Promise<string> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    return join(this.folder, `${name}.${randomBytes(6).toString('hex')}`);
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

  /** A worktree's entry in its repository: away at once, if that is on the same file system. Nothing there is fine. */
  async discardEntry(entry: string): Promise<void> {
    const thrown = await this.newPath(basename(entry));
    try {
      await rename(entry, thrown);
      this.#deleteLater(thrown);
    } catch (error) {
      if (isErrno(error, 'EXDEV')) await removeEntry(entry);
      else ifMissing(error);
    }
  }

  /** Deletes in the background what an earlier daemon left. Only before anything is being made in the trash. */
  async empty(): Promise<void> {
    const names = await readdir(this.folder).catch((error: unknown) => ifMissing(error));
    for (const name of names ?? []) {
      const path = join(this.folder, name);
      const entry = await entryClaimedBy(path);
      if (entry !== null) await this.discardEntry(entry);
      this.#deleteLater(path);
    }
  }

  /** Resolves when everything thrown away so far has been deleted or reported. */
  idle(): Promise<void> {
    return this.#deleting;
  }

  #deleteLater(path: string): void {
    // Whoever is next in the chain takes all that is there by then.
    if (this.#thrown.push(path) === 1) this.#deleting = this.#deleting.then(() => this.#deleteThrown());
  }

  /** Starting a process costs more than deleting a small space: what is thrown away within a moment goes together. */
  async #deleteThrown(): Promise<void> {
    await wait(GATHER_MS);
    const paths = this.#thrown.splice(0);
    while (paths.length > 0) await this.#deleteAll(paths.splice(0, MOST_AT_ONCE));
  }

  async #deleteAll(paths: string[]): Promise<void> {
    if (paths.length > 1 && (await removeQuickly(paths))) return;
    for (const path of paths) {
      await deleteTree(path).catch((error: unknown) =>
        this.#report(`could not delete ${path}: ${messageOf(error)}`),
      );
    }
  }
}

/** Deletes a tree, read-only folders included. Throws when something stays (another account's files, a mount). */
export async function deleteTree(path: string): Promise<void> {
  if (await removeQuickly([path])) return;
  // chmod -R follows no symlink that it meets; the path itself must not be one.
  if ((await lstat(path)).isDirectory()) {
    await run('chmod', ['-R', 'u+rwX', '--', path]);
  }
  const { exit, stderr } = await run('rm', removal([path]));
  if (exit.code !== 0) throw new Error(stderr.trim() || `rm ended with ${exit.code ?? exit.signal}`);
}

async function removeQuickly(paths: string[]): Promise<boolean> {
  return (await run('rm', removal(paths))).exit.code === 0;
}

function removal(paths: string[]): string[] {
  return ['-rf', '--one-file-system', '--', ...paths];
}

function ifMissing(error: unknown): null {
  if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
  throw error;
}
