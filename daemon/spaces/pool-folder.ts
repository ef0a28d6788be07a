// Where the spaces of ended runs wait for the next one: `<pool>/<hash of the repository>/<name>`, each with an entry
// `qwex-pool-<hash of the pool>.<name>` in its repository, so that people see what it is and we know our own.
// A space that waits is whole and clean; whatever an earlier daemon left half done is thrown away at start.

import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { isErrno } from '../../shared/errors.ts';
import { sha256 } from '../../shared/recipe.ts';
import { readEntryFacts } from './facts.ts';
import { isFolder } from './inside.ts';
import type { Trash } from './trash.ts';
import { gitdirOf, readGitdir } from './worktree-entry.ts';

export interface Waiting {
  commonDir: string;
  path: string;
  entry: string;
  sha: string;
  sinceMs: number;
}

const REPOSITORY = 'repository';

export class PoolFolder {
  readonly folder: string;
  readonly #trash: Trash;

  constructor(folder: string, trash: Trash) {
    this.folder = folder;
    this.#trash = trash;
  }

  /** Path and entry of a space called `name`. Made known first, so that a later daemon looks for its like. */
  async place(commonDir: string, name: string): Promise<{ path: string; entry: string }> {
    const folder = join(this.folder, sha256(commonDir).slice(0, 16));
    if (!(await isFolder(folder))) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeAtomically(join(folder, REPOSITORY), commonDir);
    }
    return { path: join(folder, name), entry: join(commonDir, 'worktrees', `${this.#prefix}${name}`) };
  }

  async discard({ path, entry }: Pick<Waiting, 'path' | 'entry'>): Promise<void> {
    await this.#trash.discard(path);
    await rm(entry, { recursive: true, force: true });
  }

  /** What an earlier daemon left waiting. Everything else of the pool is thrown away. */
  async load(): Promise<Waiting[]> {
    const found = await Promise.all((await namesIn(this.folder)).map((name) => this.#loadOf(name)));
    return found.flat();
  }

  async #loadOf(hash: string): Promise<Waiting[]> {
    const folder = join(this.folder, hash);
    const commonDir = await readFile(join(folder, REPOSITORY), 'utf8').catch(() => null);
    if (commonDir === null || !(await isFolder(commonDir))) {
      await this.#trash.discard(folder);
      return [];
    }
    const entries = (await namesIn(join(commonDir, 'worktrees')))
      .filter((name) => name.startsWith(this.#prefix))
      .map((name) => name.slice(this.#prefix.length));
    const spaces = (await namesIn(folder)).filter((name) => name !== REPOSITORY);
    const names = new Set([...entries, ...spaces]);
    const loaded = await Promise.all([...names].map((name) => this.#loadOne(commonDir, name)));
    return loaded.filter((each) => each !== null);
  }

  async #loadOne(commonDir: string, name: string): Promise<Waiting | null> {
    const place = await this.place(commonDir, name);
    const facts = await readEntryFacts(place.entry);
    const isWhole =
      facts?.reuse?.isPooled === true &&
      (await isFolder(place.path)) &&
      (await readGitdir(place.entry)) === (await gitdirOf(place.path));
    if (facts?.reuse && isWhole) return { commonDir, ...place, sha: facts.sha, sinceMs: facts.reuse.sinceMs };
    await this.discard(place);
    return null;
  }

  get #prefix(): string {
    return `qwex-pool-${sha256(this.folder).slice(0, 8)}.`;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
