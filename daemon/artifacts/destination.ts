// Where a folder of the space goes below `files/` or `left/`. Made only when something is kept in it, so
// empty folders are not kept. Must never enter a symlink: Folder.make refuses one.

import type { Folder } from './folder.ts';

export class Destination {
  readonly #opener: () => Folder;
  #folder: Folder | undefined;

  private constructor(opener: () => Folder) {
    this.#opener = opener;
  }

  /** The top; its folder is the caller's, who closes it. */
  static top(folder: Folder): Destination {
    return new Destination(() => folder);
  }

  below(name: Buffer, mode: number): Destination {
    return new Destination(() => this.open().make(name, mode | 0o700));
  }

  open(): Folder {
    this.#folder ??= this.#opener();
    return this.#folder;
  }

  close(): void {
    this.#folder?.close();
    this.#folder = undefined;
  }
}
