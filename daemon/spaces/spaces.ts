// The spaces of one daemon. Callers ask for a space and give it back; how it comes about, freshly made or used
// before, is decided here.

import { fault } from '../fault.ts';
import { createSpace, type Space, type SpaceRequest } from './create.ts';
import { Trash, type TrashOptions } from './trash.ts';
import { Turns } from './turns.ts';
import { type Located, removeEntries } from './worktree-entry.ts';

export class Spaces {
  readonly #trash: Trash;
  readonly #turns = new Turns();

  constructor(trash: TrashOptions) {
    this.#trash = new Trash(trash);
  }

  /** A clean checkout of the commit. One is made at a time per repository, those of several repositories at once. */
  create(request: SpaceRequest): Promise<Space> {
    return createSpace(request, { trash: this.#trash, turns: this.#turns });
  }

  /** Takes a space away, whatever a program left in it. Again, or for one never made, is fine. */
  async remove({ path, commonDir }: Located): Promise<void> {
    await this.#trash.discard(path);
    fault('space_discarded');
    await removeEntries({ path, commonDir, asideIn: this.#trash.folder });
  }

  /** Deletes what an earlier daemon left in the trash. At start, before the first `create`. */
  emptyTrash(): Promise<void> {
    return this.#trash.empty();
  }

  /** Resolves when every removed space is off the disk. Nothing needs to wait for it but tests and a tidy stop. */
  idle(): Promise<void> {
    return this.#trash.idle();
  }
}
