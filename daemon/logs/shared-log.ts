// One log that any number of followers read: one watch, one descriptor, and one read where several want the
// same bytes at the same time.

import * as fs from 'node:fs/promises';
import { isErrno } from '../../shared/errors.ts';
import { FileWatch } from './file-watch.ts';
import type { ReaderBuffers } from './reader-buffers.ts';

/** What all followers of one log may hold at a time, and the bounds of one chunk. */
const BUDGET_BYTES = 8 * 1024 * 1024;
const MOST_CHUNK_BYTES = 256 * 1024;
const LEAST_CHUNK_BYTES = 16 * 1024;

export interface SharedLogOptions {
  file: string;
  onDegraded: (error: Error) => void;
  fallbackMs: number;
}

export class SharedLog {
  readonly #file: string;
  readonly #watch: FileWatch;
  readonly #reads = new Map<number, Promise<Buffer>>();
  readonly #waiting = new Set<() => void>();
  #hints = 0;
  #followers = 0;
  #chunkBytes = LEAST_CHUNK_BYTES;
  #opening: Promise<fs.FileHandle | null> | undefined;

  constructor({ file, onDegraded, fallbackMs }: SharedLogOptions) {
    this.#file = file;
    this.#watch = new FileWatch({ file, fallbackMs, onDegraded, onHint: () => this.#hint() });
  }

  join(): void {
    this.#followers++;
  }

  /** True if that was the last follower: then close it. */
  leave(): boolean {
    return --this.#followers === 0;
  }

  /** Waits for reads that are going on. */
  async close(): Promise<void> {
    this.#watch.close();
    const handle = await this.#opening;
    await handle?.close();
  }

  /** How many hints there have been: take it before you look, and wait for the next one after. */
  get hints(): number {
    return this.#hints;
  }

  /** Until there has been another hint than the first `seen`, or one of the signals is aborted. */
  wait(seen: number, signals: readonly AbortSignal[]): Promise<void> {
    if (this.#hints !== seen || signals.some((signal) => signal.aborted)) return Promise.resolve();
    return new Promise((resolve) => {
      // Everything is undone at each wake-up: a follower may wait a million times on the same signals.
      const wake = () => {
        this.#waiting.delete(wake);
        for (const signal of signals) signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      for (const signal of signals) signal.addEventListener('abort', wake);
    });
  }

  /** Of the log now; null if it isn't there yet. */
  async sizeBytes(): Promise<number | null> {
    const handle = await this.#open();
    return handle === null ? null : (await handle.stat()).size;
  }

  /** What there is at `offset`, one chunk at most. The buffer is shared: don't write to it. */
  read(offset: number): Promise<Buffer> {
    const running = this.#reads.get(offset);
    if (running !== undefined) return running;
    const read = this.#readChunk(offset).finally(() => {
      if (this.#reads.get(offset) === read) this.#reads.delete(offset);
    });
    this.#reads.set(offset, read);
    return read;
  }

  /** Like `read`, into a buffer of the reader's own: for one that has much to catch up with. */
  async readInto(buffers: ReaderBuffers, offset: number): Promise<Buffer> {
    const handle = await this.#open();
    if (handle === null) return Buffer.alloc(0);
    const room = buffers.take(this.#share());
    const { bytesRead } = await handle.read(room, 0, room.length, offset);
    buffers.learn({ wasFull: bytesRead === room.length });
    return room.subarray(0, bytesRead);
  }

  #share(): number {
    return Math.floor(BUDGET_BYTES / Math.max(1, this.#followers));
  }

  async #readChunk(offset: number): Promise<Buffer> {
    const handle = await this.#open();
    if (handle === null) return Buffer.alloc(0);
    const length = Math.max(LEAST_CHUNK_BYTES, Math.min(this.#chunkBytes, this.#share()));
    const buffer = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await handle.read(buffer, 0, length, offset);
    // Big reads to catch up, small ones to follow: a line of output shouldn't cost a big buffer.
    this.#chunkBytes = bytesRead === length ? Math.min(MOST_CHUNK_BYTES, length * 4) : LEAST_CHUNK_BYTES;
    // Nor hold on to one.
    return bytesRead < length / 2
      ? Buffer.from(buffer.subarray(0, bytesRead))
      : buffer.subarray(0, bytesRead);
  }

  #open(): Promise<fs.FileHandle | null> {
    this.#opening ??= openIfThere(this.#file).then((handle) => {
      if (handle === null) this.#opening = undefined;
      return handle;
    });
    return this.#opening;
  }

  #hint(): void {
    this.#hints++;
    // A read that began before this hint may have missed what it is about: nobody may join it now.
    this.#reads.clear();
    for (const wake of [...this.#waiting]) wake();
  }
}

async function openIfThere(file: string): Promise<fs.FileHandle | null> {
  try {
    return await fs.open(file, 'r');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}
