// The index of a home's runs: opened as it is; or, when it is damaged or its owner wished so, set aside and made anew.
import { statSync } from 'node:fs';
import type { Logger } from 'pino';
import type { HomePaths } from '../shared/paths.ts';
import type { Rebuilt } from '../shared/schemas/local.ts';
import { beginRebuild, endRebuild } from './rundir/rebuild-order.ts';
import { renewIndex } from './rundir/renewal.ts';
import type { RunFolders } from './rundir/run-folders.ts';
import { openDatabase } from './store/database.ts';
import { Store } from './store/store.ts';

/** Events kept for readers who come back; what is older, they look up in the runs themselves. */
const KEPT_EVENTS = 100_000;
/** How long a repeated request is recognised. */
const KEPT_REQUESTS_MS = 30 * 24 * 3600 * 1000;

export class Index {
  readonly store: Store;
  readonly #paths: HomePaths;
  readonly #logger: Logger;
  /** Where a former database is that this one is in the place of. */
  readonly #setAside: string | null;
  readonly #inode: number | undefined;
  #rebuilt: Rebuilt | null = null;

  private constructor(store: Store, setAside: string | null, { paths, logger }: Place) {
    this.store = store;
    this.#setAside = setAside;
    this.#paths = paths;
    this.#logger = logger;
    this.#inode = this.#inodeNow();
  }

  static open(place: Place, nowMs: number): Index {
    const { paths, logger } = place;
    const replaced = beginRebuild(paths);
    const { db, setAside } = openDatabase({
      ...{ file: paths.database, nowMs },
      exclusive: paths.localReason === 'network_home',
    });
    if (setAside !== null) logger.error({ setAside }, 'the database was damaged and has been set aside');
    return new Index(new Store(db), setAside ?? replaced, place);
  }

  /** Whether its file is still where it was opened. */
  readonly isInPlace = (): boolean => this.#inodeNow() === this.#inode;

  /** What it was made anew from; null when it was there. */
  get rebuilt(): Rebuilt | null {
    return this.#rebuilt;
  }

  /** A new database, in a home that may have run folders already: they know what it doesn't. */
  async complete(folders: RunFolders, bootId: string): Promise<void> {
    if (!this.store.isIndexed) await this.#renew(folders, bootId);
    endRebuild(this.#paths);
  }

  /** Forgets what nobody asks for any more. The freed pages are used again, so the file stops growing. */
  trim(nowMs: number): void {
    this.store.events.trim(KEPT_EVENTS);
    this.store.requests.forgetBefore(nowMs - KEPT_REQUESTS_MS);
  }

  #inodeNow(): number | undefined {
    return statSync(this.#paths.database, { throwIfNoEntry: false })?.ino;
  }

  async #renew(folders: RunFolders, bootId: string): Promise<void> {
    const setAside = this.#setAside;
    const place = { paths: this.#paths, store: this.store, folders };
    const rebuilt = await renewIndex({ ...place, bootId, setAside, nowMs: Date.now() });
    this.#rebuilt = rebuilt;
    const { restored, carriedOver, refused, formerUnreadable } = rebuilt;
    for (const { path, why } of refused)
      this.#logger.warn({ path, why }, 'no run can be read from this folder');
    if (restored + carriedOver === 0 && setAside === null) return;
    const numbers = { restored, carriedOver, refused: refused.length };
    this.#logger.warn({ ...numbers, setAside, formerUnreadable }, 'the index was rebuilt');
  }
}

interface Place {
  paths: HomePaths;
  logger: Logger;
}
