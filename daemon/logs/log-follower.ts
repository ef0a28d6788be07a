// Follows logs while they are written. The reader pulls: one that is slow, or has stopped, costs one chunk of
// memory and no work. Must never lose or repeat a byte of a log that only grows.

import type { ReaderBuffers } from './reader-buffers.ts';
import { SharedLog } from './shared-log.ts';

const FALLBACK_MS = 250;

export interface LogFollowerOptions {
  /** Told once per log for which the system can't watch; the log is then looked at by a timer. */
  onDegraded?: (file: string, error: Error) => void;
  /** Of that timer. */
  fallbackMs?: number;
}

export interface FollowOptions {
  /** First byte; default 0. */
  offset?: number;
  /** Aborted when nothing more is written: what is there by then is still read, then it ends. */
  ended: AbortSignal;
  /** Aborted when nobody reads any more: it ends at once, without an error. */
  signal?: AbortSignal;
  /** Chunks then lie in these, each until the next but one is asked for, and may be written to. */
  buffers?: ReaderBuffers;
}

export interface LogChunk {
  /** Of the first byte of `data`. */
  offset: number;
  /** Shared with other followers of the log: don't write to it. Empty in a gap. */
  data: Buffer;
  /** The log was cut: it goes on at `offset`, which is less than where this reader was. */
  gap?: { previousOffset: number } | undefined;
}

export interface LogLength {
  /** Of the first byte that is new. */
  offset: number;
  bytes: number;
  gap?: LogChunk['gap'];
}

export class LogFollower {
  readonly #logs = new Map<string, SharedLog>();
  readonly #onDegraded: (file: string, error: Error) => void;
  readonly #fallbackMs: number;

  constructor({ onDegraded = () => undefined, fallbackMs = FALLBACK_MS }: LogFollowerOptions = {}) {
    this.#onDegraded = onDegraded;
    this.#fallbackMs = fallbackMs;
  }

  /** `file` needn't be there yet, nor its folder. Throws what reading it throws. */
  follow(file: string, options: FollowOptions): AsyncGenerator<LogChunk, void, undefined> {
    return this.#joined(file, (log) => chunks(log, options));
  }

  /** Like `follow`, for who reads the log themselves. */
  lengths(file: string, options: FollowOptions): AsyncGenerator<LogLength, void, undefined> {
    return this.#joined(file, (log) => lengths(log, options));
  }

  async *#joined<Step>(
    file: string,
    steps: (log: SharedLog) => AsyncGenerator<Step, void, undefined>,
  ): AsyncGenerator<Step, void, undefined> {
    const log = this.#join(file);
    try {
      yield* steps(log);
    } finally {
      await this.#leave(file, log);
    }
  }

  #join(file: string): SharedLog {
    const fallbackMs = this.#fallbackMs;
    const log =
      this.#logs.get(file) ??
      new SharedLog({ file, fallbackMs, onDegraded: (error) => this.#onDegraded(file, error) });
    this.#logs.set(file, log);
    log.join();
    return log;
  }

  async #leave(file: string, log: SharedLog): Promise<void> {
    if (!log.leave()) return;
    this.#logs.delete(file);
    await log.close();
  }
}

/** What is there at each look, and the cuts. */
async function* lengths(
  log: SharedLog,
  { offset = 0, ended, signal }: FollowOptions,
): AsyncGenerator<LogLength, void, undefined> {
  const signals = signal === undefined ? [ended] : [ended, signal];
  let position = offset;
  // Something that outlives its run may go on writing: what was there at the end is the end.
  let end: number | undefined;
  while (signal?.aborted !== true) {
    const seen = log.hints;
    if (ended.aborted) end ??= (await log.sizeBytes()) ?? 0;
    const size = end ?? (await log.sizeBytes()) ?? position;
    if (size > position) yield { offset: position, bytes: size - position };
    else if (size < position) yield { offset: size, bytes: 0, gap: { previousOffset: position } };
    else if (end !== undefined) return;
    else await log.wait(seen, signals);
    position = size;
  }
}

async function* chunks(log: SharedLog, options: FollowOptions): AsyncGenerator<LogChunk, void, undefined> {
  const { buffers, signal } = options;
  const read = (at: number) => (buffers === undefined ? log.read(at) : log.readInto(buffers, at));
  for await (const { offset, bytes, gap } of lengths(log, options)) {
    if (gap) yield { offset, data: Buffer.alloc(0), gap };
    for (let at = offset; at < offset + bytes && signal?.aborted !== true; ) {
      const data = (await read(at)).subarray(0, offset + bytes - at);
      // Cut meanwhile: the next length says so.
      if (data.length === 0) break;
      yield { offset: at, data };
      at += data.length;
    }
  }
}
