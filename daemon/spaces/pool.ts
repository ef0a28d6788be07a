// The spaces that wait for their next run: at most as many of one repository as runs go on at once. A run never gets
// one that isn't verified; one that is being cleaned is waited for, which takes less than making another.

import { randomBytes } from 'node:crypto';
import { chmod, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { messageOf, QwexError } from '../../shared/errors.ts';
import { fault } from '../fault.ts';
import type { KnownSpace } from './facts.ts';
import type { Space, SpaceRequest } from './furnish.ts';
import type { PoolFolder, Waiting } from './pool-folder.ts';
import { type Returned, reclaim } from './reclaim.ts';
import { isAsGitMadeIt, reuseSpace } from './reuse.ts';
import type { Trash } from './trash.ts';
import { gitdirOf, type Located } from './worktree-entry.ts';

/** With less room than this nothing is kept for later. */
const NEEDED_BYTES = 2 * 1024 ** 3;
const TERM_MS = 3 * 24 * 3600_000;

interface PoolDeps {
  folder: PoolFolder;
  trash: Trash;
  /** Of one repository. */
  most: () => number;
  report: (message: string) => void;
}

interface Cleaning {
  commonDir: string;
  isPromised: boolean;
  done: Promise<Waiting | null>;
}

export class Pool {
  readonly #deps: PoolDeps;
  #waiting: Waiting[] = [];
  readonly #cleaning = new Set<Cleaning>();

  constructor(deps: PoolDeps) {
    this.#deps = deps;
  }

  /** At start, before the first space is asked for. */
  async load(): Promise<void> {
    this.#waiting = await this.#deps.folder.load();
  }

  get waiting(): readonly Waiting[] {
    return this.#waiting;
  }

  /** A space for the run, or null when there is none. Throws what is wrong with the request. */
  async take(request: SpaceRequest, settings: string): Promise<Space | null> {
    for (;;) {
      const waiting = await this.#next(request);
      if (waiting === null) return null;
      try {
        if (await isAsGitMadeIt(waiting, settings))
          return await reuseSpace(request, waiting, this.#deps.trash);
      } catch (error) {
        if (error instanceof QwexError) throw error;
        this.#deps.report(`${waiting.path} is not used again: ${messageOf(error)}`);
      }
      await this.#deps.folder.discard(waiting);
    }
  }

  /** Whether another one would be kept. */
  async hasRoom(commonDir: string): Promise<boolean> {
    const isOfIt = (each: { commonDir: string }) => each.commonDir === commonDir;
    const coming = [...this.#cleaning].filter(({ isPromised }) => !isPromised);
    if (this.#waiting.filter(isOfIt).length + coming.filter(isOfIt).length >= this.#deps.most()) return false;
    const room = await statfs(commonDir).catch(() => null);
    return room === null || room.bavail * room.bsize >= NEEDED_BYTES;
  }

  /** Takes a run's space; it is away when this resolves, its cleaning goes on. */
  async give({ path, commonDir }: Located, space: KnownSpace, isUntouched: boolean): Promise<void> {
    const { folder, trash } = this.#deps;
    const { sha, reuse, entry } = space;
    if (reuse === null) throw new TypeError(`not to be used again: ${path}`);
    const name = randomBytes(6).toString('hex');
    const place = await folder.place(commonDir, name);
    const aside = await trash.newPath(name);
    // Moving a folder to another parent needs write permission on the folder itself.
    await chmod(path, 0o700);
    await rename(path, aside);
    fault('space_given_back');
    await rename(entry, place.entry);
    // From here on git and its users see it as one of the pool, whatever is still to be done.
    await writeAtomically(join(place.entry, 'gitdir'), `${await gitdirOf(place.path)}\n`);
    this.#clean({ commonDir, sha, reuse, aside, ...place, isUntouched });
  }

  /** Throws away those that wait and are chosen. */
  async giveUp(isChosen: (waiting: Waiting) => boolean = () => true): Promise<void> {
    const chosen = this.#waiting.filter(isChosen);
    this.#waiting = this.#waiting.filter((each) => !chosen.includes(each));
    for (const each of chosen) await this.#deps.folder.discard(each);
  }

  /** Throws away those that nobody has used for days. */
  expire(nowMs: number): Promise<void> {
    return this.giveUp(({ sinceMs }) => nowMs - sinceMs > TERM_MS);
  }

  /** Resolves when nothing is being cleaned. */
  async idle(): Promise<void> {
    await Promise.all([...this.#cleaning].map(({ done }) => done));
  }

  /** One of the same commit, one of another, or one that is being cleaned. */
  async #next({ commonDir, sha }: SpaceRequest): Promise<Waiting | null> {
    for (;;) {
      const ofIt = this.#waiting.filter((each) => each.commonDir === commonDir);
      const found = ofIt.findLast((each) => each.sha === sha) ?? ofIt.at(0);
      if (found !== undefined) {
        this.#waiting.splice(this.#waiting.indexOf(found), 1);
        return found;
      }
      const coming = [...this.#cleaning].find((each) => each.commonDir === commonDir && !each.isPromised);
      if (coming === undefined) return null;
      coming.isPromised = true;
      const cleaned = await coming.done;
      if (cleaned !== null) return cleaned;
    }
  }

  #clean(returned: Returned): void {
    const cleaning: Cleaning = {
      commonDir: returned.commonDir,
      isPromised: false,
      done: this.#reclaim(returned).then((waiting) => {
        this.#cleaning.delete(cleaning);
        if (waiting !== null && !cleaning.isPromised) this.#waiting.push(waiting);
        return waiting;
      }),
    };
    this.#cleaning.add(cleaning);
  }

  async #reclaim(returned: Returned): Promise<Waiting | null> {
    const { folder, trash, report } = this.#deps;
    const why = (error: unknown) => report(`${returned.path} is not used again: ${messageOf(error)}`);
    try {
      const waiting = await reclaim(returned, trash);
      if (waiting !== null) return waiting;
    } catch (error) {
      why(error);
    }
    try {
      await trash.discard(returned.aside);
      await rm(`${returned.entry}.new`, { recursive: true, force: true });
      await folder.discard(returned);
    } catch (error) {
      why(error);
    }
    return null;
  }
}
