// The socket's name may go while the daemon lives, with whoever clears old files away, and a daemon that nobody can reach
// would keep its home from any other. It listens anew, or, when the home itself is gone, makes room.
import { lstatSync } from 'node:fs';
import { isErrno } from '../shared/errors.ts';
import { type Watch, watchOrLook } from '../shared/watch-or-look.ts';

/** Whoever removes the whole home has come to its lock by then. */
const PATIENCE_MS = 500;

export interface OwnSocketOptions {
  path: string;
  /** Whether the home is still the one whose lock this daemon holds. */
  holdsHome: () => boolean;
  /** Makes the socket anew. */
  listen: () => Promise<void>;
  /** There is another home at its place, or none. */
  onHomeLost: () => void;
  onAgain: () => void;
  onError: (error: unknown) => void;
}

export class OwnSocket {
  readonly #options: OwnSocketOptions;
  #watch: Watch | undefined;
  #inode: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** Once it listens. */
  constructor(options: OwnSocketOptions) {
    this.#options = options;
    this.#arm();
  }

  close(): void {
    this.#isClosed = true;
    this.#watch?.close();
    clearTimeout(this.#timer);
  }

  #arm(): void {
    this.#inode = inodeOf(this.#options.path);
    this.#watch?.close();
    const onHint = () => this.#look();
    try {
      this.#watch = watchOrLook(this.#options.path, { onHint, onError: onHint, persistent: false });
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
    }
    this.#look();
  }

  #look(): void {
    if (this.#isClosed || this.#timer !== undefined || this.#isThere()) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#again().catch((error: unknown) => this.#options.onError(error));
    }, PATIENCE_MS).unref();
  }

  #isThere(): boolean {
    const inode = inodeOf(this.#options.path);
    return inode !== null && inode === this.#inode;
  }

  async #again(): Promise<void> {
    const { holdsHome, onHomeLost, listen, onAgain } = this.#options;
    if (!holdsHome()) return onHomeLost();
    if (this.#isThere()) return;
    await listen();
    onAgain();
    if (!this.#isClosed) this.#arm();
  }
}

function inodeOf(path: string): number | null {
  return lstatSync(path, { throwIfNoEntry: false })?.ino ?? null;
}
