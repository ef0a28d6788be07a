// The spaces of one daemon. Callers ask for a space and give it back; how it comes about, freshly made or used
// before, is decided here.

import { QwexError } from '../../shared/errors.ts';
import { fault } from '../fault.ts';
import { type SpaceChanges, spaceChanges } from './changes.ts';
import { CheckoutSettings } from './checkout-settings.ts';
import { clearPlace, createSpace } from './create.ts';
import { examined } from './examined.ts';
import { readFacts } from './facts.ts';
import type { Space, SpaceRequest } from './furnish.ts';
import { isFolder, openToOwner } from './inside.ts';
import { Pool } from './pool.ts';
import { PoolFolder, type Waiting } from './pool-folder.ts';
import { Trash, type TrashOptions } from './trash.ts';
import { Turns } from './turns.ts';
import { type Located, removeEntries } from './worktree-entry.ts';

export interface SpacesOptions extends TrashOptions {
  /** Where spaces wait for their next run, on the file system of the trash, and how many of a repository. */
  pool?: { folder: string; most: () => number };
}

export class Spaces {
  readonly #trash: Trash;
  readonly #turns = new Turns();
  readonly #settings = new CheckoutSettings();
  readonly #pool: Pool | null;
  /** Spaces whose programs left the folders of the commit alone. */
  readonly #untouched = new Set<string>();

  constructor({ pool, ...trash }: SpacesOptions) {
    this.#trash = new Trash(trash);
    const folder = pool && new PoolFolder(pool.folder, { trash: this.#trash, turns: this.#turns });
    this.#pool = folder
      ? new Pool({ folder, trash: this.#trash, most: pool.most, report: trash.report })
      : null;
  }

  /** A clean checkout of the commit. One is made at a time per repository, those of several repositories at once. */
  async create(request: SpaceRequest): Promise<Space> {
    await clearPlace(request, { trash: this.#trash, turns: this.#turns });
    request.signal?.throwIfAborted();
    return (await this.#reuse(request)) ?? (await this.#make(request));
  }

  /** What the run's program did. No process where it left the files of the commit alone. */
  async inspect(located: Located, within: readonly string[]): Promise<SpaceChanges> {
    openToOwner(located.path);
    const seen = await examined(located, within).catch(() => null);
    if (seen === null) return spaceChanges(located);
    if (seen.isUntouched) this.#untouched.add(located.path);
    return seen.changes;
  }

  /** Takes a space away to be used again, if it can be. Only when nothing of the run lives any more. */
  async giveBack(located: Located): Promise<void> {
    const isUntouched = this.#untouched.delete(located.path);
    if (this.#pool !== null && (await isFolder(located.path))) {
      const facts = await readFacts(located);
      if (facts?.reuse && (await this.#pool.give(located, facts, isUntouched))) {
        await this.#removeEntries(located);
        return;
      }
    }
    await this.remove(located);
  }

  /** Takes a space away for good, whatever a program left in it. Again, or for one never made, is fine. */
  async remove({ path, commonDir }: Located): Promise<void> {
    this.#untouched.delete(path);
    await this.#trash.discard(path);
    fault('space_discarded');
    await this.#removeEntries({ path, commonDir });
  }

  /** Deletes what an earlier daemon left half done, and learns what waits. At start, before the first `create`. */
  async emptyTrash(): Promise<void> {
    await this.#trash.empty();
    await this.#pool?.load();
  }

  /** Spaces that wait for a run. */
  get waiting(): readonly Waiting[] {
    return this.#pool?.waiting ?? [];
  }

  /** Throws one of them away. */
  async giveUp(path: string): Promise<void> {
    await this.#pool?.giveUp((each) => each.path === path);
  }

  /** Throws away those that nobody has used for days. */
  async expire(nowMs: number): Promise<void> {
    await this.#pool?.expire(nowMs);
  }

  /** Resolves when nothing is cleaned or deleted. Nothing needs to wait for it but tests. */
  async idle(): Promise<void> {
    await this.#pool?.idle();
    await this.#trash.idle();
  }

  /** Takes nothing more into the pool; resolves when nothing is cleaned or deleted. */
  async close(): Promise<void> {
    await this.#pool?.close();
    await this.#trash.idle();
  }

  /** Also of attempts that were cut short: a git that had outlived its daemon may have added one late. */
  async #removeEntries({ path, commonDir }: Located): Promise<void> {
    const asideIn = this.#trash.folder;
    await this.#turns.take(commonDir, () => removeEntries({ path, commonDir, asideIn }, this.#trash));
  }

  async #reuse(request: SpaceRequest): Promise<Space | null> {
    if (this.#pool === null || request.submodules) return null;
    const settings = await this.#describe(request.commonDir);
    return settings === null ? null : this.#pool.take(request, settings);
  }

  async #make(request: SpaceRequest): Promise<Space> {
    const settings = () => this.#describe(request.commonDir);
    const making = { trash: this.#trash, turns: this.#turns, settings };
    try {
      return await createSpace(request, making);
    } catch (error) {
      // What waits is the first to make room; the run is tried again.
      if (error instanceof QwexError && error.code === 'no_space') await this.#pool?.giveUp();
      throw error;
    }
  }

  /** A repository that can't be asked will say so to whoever checks out. */
  #describe(commonDir: string): Promise<string | null> {
    return this.#settings.describe(commonDir).catch(() => null);
  }
}
