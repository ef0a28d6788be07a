// A full disk stops new starts before it breaks one, and lets them go on when there is room again. Looked at when
// something is about to be written; while it is full, again after a while, as nothing announces free space.
import { setTimeout as pause } from 'node:timers/promises';
import { statfs } from '../shared/at-once.ts';
import { QwexError } from '../shared/errors.ts';

/** Room for a run's folder, its record and the database's next pages. */
const NEEDED_BYTES = 32 * 1024 * 1024;
/** Names that a run and its space add, at the least. */
const NEEDED_INODES = 200;
const LOOK_AGAIN_MS = 5000;

export class DiskGuard {
  readonly #folders: ReadonlyMap<string, number>;
  readonly #onRoom: () => void;
  #problem: string | null = null;
  #timer: NodeJS.Timeout | undefined;

  /**
   * `smallFolders` are for what takes names and no bytes: sockets, locks, fifos. `onRoom` is called when there is room
   * again after there was none.
   */
  constructor(folders: readonly string[], onRoom: () => void, smallFolders: readonly string[] = []) {
    this.#folders = new Map([
      ...smallFolders.map((folder) => [folder, 0] as const),
      ...folders.map((folder) => [folder, NEEDED_BYTES] as const),
    ]);
    this.#onRoom = onRoom;
  }

  /** What keeps new runs from starting, in words; null when nothing does. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Throws `no_space` that names the folder. */
  async assertRoom(): Promise<void> {
    const full = await this.#firstFull();
    if (full === null) return;
    throw new QwexError({
      code: 'no_space',
      message: `the disk of ${full} is full, so no run can be taken`,
      hint: 'make room (qwex gc), then submit again; nothing was queued',
    });
  }

  /** Looks now, and again later while it is full. Resolves to whether it is. */
  async look(): Promise<boolean> {
    const wasFull = this.#problem !== null;
    const full = await this.#firstFull();
    this.#problem = full === null ? null : `the disk of ${full} is full: nothing starts until there is room`;
    clearTimeout(this.#timer);
    if (full !== null) this.#timer = setTimeout(() => void this.look(), LOOK_AGAIN_MS).unref();
    else if (wasFull) this.#onRoom();
    return full !== null;
  }

  /**
   * For who has just found it full: resolves when it doesn't look full any more, but not at once, as a quota may be used
   * up where the disk has room; or when the signal aborts.
   */
  async untilRoom(signal: AbortSignal): Promise<void> {
    do {
      await this.look();
      await pause(LOOK_AGAIN_MS, undefined, { signal, ref: false }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    } while (this.#problem !== null && !signal.aborted);
    if (!signal.aborted) this.#onRoom();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #firstFull(): Promise<string | null> {
    for (const [folder, neededBytes] of this.#folders) {
      // A folder that can't be asked is no reason to stop the queue: who writes there will say what is wrong.
      const room = await statfs(folder).catch(() => null);
      if (room === null) continue;
      // Some file systems make inodes as they are needed, and count none.
      const lacksInodes = room.files > 0 && room.ffree < NEEDED_INODES;
      if (room.bavail * room.bsize < neededBytes || lacksInodes) return folder;
    }
    return null;
  }
}
