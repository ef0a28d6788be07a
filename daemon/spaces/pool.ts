// The spaces that wait for their next run: at most as many of one repository as runs go on at once. A run never gets
// one that isn't verified; one that is being cleaned is waited for, which takes less than making another.

import { chmod, rename, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
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
/** What `git worktree list` says of it. */
const LOCKED = 'kept by qwex for the next run (see: qwex gc)\n';
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
  /** Repositories of those that are being put aside. */
  readonly #onTheirWay: string[] = [];
  #isClosed = false;

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
        await this.#deps.folder.discard(waiting);
        if (error instanceof QwexError) throw error;
        this.#deps.report(`${waiting.path} is not used again: ${messageOf(error)}`);
        continue;
      }
      await this.#deps.folder.discard(waiting);
    }
  }

  /** Takes a run's space; it is away when this resolves, its cleaning goes on. False: there are enough. */
  async give(located: Located, space: KnownSpace, isUntouched: boolean): Promise<boolean> {
    const { commonDir, path } = located;
    const room = await statfs(this.#deps.trash.folder).catch(() => null);
    const isFull = room === null || room.bavail * room.bsize < NEEDED_BYTES;
    if (this.#isClosed || isFull || this.#countOf(commonDir) >= this.#deps.most()) return false;
    this.#onTheirWay.push(commonDir);
    try {
      this.#clean(await this.#putAside({ commonDir, path }, space, isUntouched));
    } finally {
      this.#onTheirWay.splice(this.#onTheirWay.indexOf(commonDir), 1);
    }
    return true;
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

  /** Takes no more; resolves when nothing is being cleaned. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.idle();
  }

  /** Resolves when nothing is being cleaned. */
  async idle(): Promise<void> {
    await Promise.all([...this.#cleaning].map(({ done }) => done));
  }

  /** Those that wait, or will. */
  #countOf(commonDir: string): number {
    const coming = [...this.#cleaning].filter(({ isPromised }) => !isPromised);
    const all = [...this.#waiting, ...coming].map((each) => each.commonDir);
    return [...all, ...this.#onTheirWay].filter((each) => each === commonDir).length;
  }

  async #putAside({ path, commonDir }: Located, space: KnownSpace, isUntouched: boolean): Promise<Returned> {
    const { folder, trash } = this.#deps;
    const { sha, reuse, entry } = space;
    if (reuse === null) throw new TypeError(`not to be used again: ${path}`);
    const place = await folder.place(commonDir, entry);
    const aside = await trash.newPath(basename(path));
    // Moving a folder to another parent needs write permission on the folder itself.
    await chmod(path, 0o700);
    await rename(path, aside);
    fault('space_given_back');
    // From here on git and its users see it as one of the pool, whatever is still to be done.
    await writeAtomically(join(entry, 'gitdir'), `${await gitdirOf(place)}\n`);
    await writeAtomically(join(entry, 'locked'), LOCKED, { mode: 0o666 });
    return { commonDir, sha, reuse, aside, path: place, entry, isUntouched };
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
      await folder.discard(returned);
    } catch (error) {
      why(error);
    }
    return null;
  }
}
