// Where the spaces of ended runs wait for the next one: `<pool>/<hash of the repository>/<name of the entry>`. A space
// keeps its entry in the repository for life: git commands of other people fail when entries come and go under them.
// A space that waits is whole and clean; whatever an earlier daemon left half done is thrown away at start.

import { basename, dirname, join } from 'node:path';
import { mkdir, readFile } from '../../shared/at-once.ts';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { sha256 } from '../../shared/recipe.ts';
import { readEntryFacts } from './facts.ts';
import { isFolder } from './inside.ts';
import type { Trash } from './trash.ts';
import type { Turns } from './turns.ts';
import { gitdirOf, ourEntries, readGitdir, readNames } from './worktree-entry.ts';

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
  readonly #turns: Turns;
  readonly #making = new Map<string, Promise<void>>();

  constructor(folder: string, { trash, turns }: { trash: Trash; turns: Turns }) {
    this.folder = folder;
    this.#trash = trash;
    this.#turns = turns;
  }

  /** Where the space of an entry waits. The repository is made known first: a later daemon looks for its like. */
  async place(commonDir: string, entry: string): Promise<string> {
    const folder = join(this.folder, sha256(commonDir).slice(0, 16));
    const making = this.#making.get(folder) ?? makeKnown(folder, commonDir);
    this.#making.set(folder, making);
    await making.finally(() => this.#making.delete(folder));
    return join(folder, basename(entry));
  }

  /** For good, also of what is not all there. */
  async discard({ commonDir, path, entry }: Pick<Waiting, 'commonDir' | 'path' | 'entry'>): Promise<void> {
    await this.#trash.discard(path);
    await this.#turns.take(commonDir, () => this.#trash.discardEntry(entry));
  }

  /** What an earlier daemon left waiting. Everything else of the pool is thrown away. */
  async load(): Promise<Waiting[]> {
    const found = await Promise.all((await readNames(this.folder)).map((name) => this.#loadOf(name)));
    return found.flat();
  }

  async #loadOf(hash: string): Promise<Waiting[]> {
    const folder = join(this.folder, hash);
    const commonDir = await readFile(join(folder, REPOSITORY), 'utf8').catch(() => null);
    if (commonDir === null || !(await isFolder(commonDir))) {
      await this.#trash.discard(folder);
      return [];
    }
    const entries = join(commonDir, 'worktrees');
    const names = new Set((await readNames(folder)).filter((name) => name !== REPOSITORY));
    // In the pool, or aside, on the way to a run: whose daemon died may have left it without its `.git` file.
    const ours = await Promise.all([folder, this.#trash.folder].map(gitdirsBelow));
    for (const entry of await ourEntries(commonDir)) {
      const gitdir = await readGitdir(entry);
      if (ours.some((each) => gitdir?.startsWith(each))) names.add(basename(entry));
    }
    const places = [...names].map((name) => ({ path: join(folder, name), entry: join(entries, name) }));
    const loaded = await Promise.all(places.map((place) => this.#loadOne({ commonDir, ...place })));
    return loaded.filter((each) => each !== null);
  }

  async #loadOne(place: Pick<Waiting, 'commonDir' | 'path' | 'entry'>): Promise<Waiting | null> {
    const facts = await readEntryFacts(place.entry);
    const isWhole =
      facts?.reuse?.isPooled === true &&
      (await isFolder(place.path)) &&
      (await readGitdir(place.entry)) === (await gitdirOf(place.path));
    if (facts?.reuse && isWhole) return { ...place, sha: facts.sha, sinceMs: facts.reuse.sinceMs };
    await this.discard(place);
    return null;
  }
}

/** How the `gitdir` of every worktree in this folder begins. */
async function gitdirsBelow(folder: string): Promise<string> {
  return `${dirname(dirname(await gitdirOf(join(folder, 'any'))))}/`;
}

async function makeKnown(folder: string, commonDir: string): Promise<void> {
  const file = join(folder, REPOSITORY);
  if ((await readFile(file, 'utf8').catch(() => null)) === commonDir) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeAtomically(file, commonDir);
}
