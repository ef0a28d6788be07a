// Two buffers of one reader's own that take turns: while one is on its way to the socket the other is filled. A fresh
// buffer for every chunk of a long log costs more in garbage collection than reading and sending it together.

const LEAST_BYTES = 16 * 1024;
const MOST_BYTES = 256 * 1024;

export class ReaderBuffers {
  /** Free bytes before the data of every chunk, for the reader's own header. */
  readonly headroomBytes: number;
  readonly #pair: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
  #turn: 0 | 1 = 0;
  #chunkBytes = LEAST_BYTES;

  constructor(headroomBytes: number) {
    this.headroomBytes = headroomBytes;
  }

  /** Room for the next chunk, behind the headroom; the chunk before the last one is overwritten. */
  take(mostBytes: number): Buffer {
    const length = Math.max(LEAST_BYTES, Math.min(this.#chunkBytes, mostBytes));
    this.#turn = this.#turn === 0 ? 1 : 0;
    const current = this.#pair[this.#turn];
    const size = this.headroomBytes + length;
    // A reader that has caught up doesn't hold on to a big one.
    const buffer = current.length === size ? current : Buffer.allocUnsafeSlow(size);
    this.#pair[this.#turn] = buffer;
    return buffer.subarray(this.headroomBytes);
  }

  /** Big reads to catch up, small ones to follow. */
  learn({ wasFull }: { wasFull: boolean }): void {
    this.#chunkBytes = wasFull ? Math.min(MOST_BYTES, this.#chunkBytes * 4) : LEAST_BYTES;
  }
}
