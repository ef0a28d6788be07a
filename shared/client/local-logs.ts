// The logs of runs on this machine, read where they lie: the daemon only says how far they have got. Sending a long log
// through it and a socket would cost more than printing it, and the daemon's time is everybody's.
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../errors.ts';
import type { OutputChunk, StreamName } from '../output-frame.ts';
import type { WatchMessage } from '../schemas/watch.ts';

type Written = Extract<WatchMessage, { type: 'written' }>;

const CHUNK_BYTES = 1024 * 1024;

export class LocalLogs {
  /** False after one that could not be opened: the daemon's files aren't where it says, or not for us. */
  isReadable = true;
  readonly #open = new Map<StreamName, FileHandle>();
  readonly #shared: Buffer | null;
  #directory = '';

  /** `reuseMemory`: what a chunk holds is overwritten by the next one. */
  constructor({ reuseMemory }: { reuseMemory: boolean }) {
    this.#shared = reuseMemory ? Buffer.allocUnsafeSlow(CHUNK_BYTES) : null;
  }

  /** `directory`: of the run whose logs are read from now on. */
  async enter(directory: string): Promise<void> {
    if (directory === this.#directory) return;
    await this.close();
    this.#directory = directory;
  }

  async canRead(stream: StreamName): Promise<boolean> {
    if (this.#open.has(stream)) return true;
    const handle = await open(join(this.#directory, 'logs', `${stream}.log`)).catch((error: unknown) => {
      if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM')) throw error;
      return null;
    });
    if (handle === null) this.isReadable = false;
    else this.#open.set(stream, handle);
    return handle !== null;
  }

  /** Of a log that can be read: so many bytes, or fewer when it has been cut. */
  async *read({ stream, offset: from, bytes }: Written): AsyncGenerator<OutputChunk, void> {
    const handle = this.#open.get(stream);
    if (handle === undefined) throw new TypeError(`the ${stream} of no run`);
    for (let offset = from; offset < from + bytes; ) {
      const length = Math.min(CHUNK_BYTES, from + bytes - offset);
      const room = this.#shared ?? Buffer.allocUnsafe(length);
      const { buffer, bytesRead } = await handle.read(room, 0, length, offset);
      if (bytesRead === 0) return;
      yield { stream, offset, data: buffer.subarray(0, bytesRead) };
      offset += bytesRead;
    }
  }

  async close(): Promise<void> {
    const handles = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(handles.map((handle) => handle.close()));
  }
}
