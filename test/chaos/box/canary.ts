// How slow the machine is just now: the wall time of a few small processes, and that of a sync of the disk. What a limit in
// milliseconds means on a machine that others keep busy follows from the first, as a multiple of the fastest that was seen;
// for a disk that others keep busy one has to wait.
import { execFile } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const EVERY_MS = 100;
const WORK = 'for _ in 1 2 3; do /bin/true; done';

export class Canary {
  /** Of the processes and of the sync, the last wall times in µs, for other threads to read. */
  readonly lastUs = new Int32Array(new SharedArrayBuffer(8));
  fastestUs = Number.POSITIVE_INFINITY;
  readonly #stop = new AbortController();
  readonly #singing: Promise<unknown>;

  /** `file` is made, on the disk that matters. */
  constructor(file: string) {
    this.#singing = Promise.all([this.#watchProcesses(), this.#watchDisk(file)]);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#singing;
  }

  async #watchProcesses(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const us = await wallUs(
        () => new Promise<void>((resolve) => execFile('/bin/bash', ['-c', WORK], () => resolve())),
      );
      this.fastestUs = Math.min(this.fastestUs, us);
      Atomics.store(this.lastUs, 0, us);
      await this.#rest();
    }
  }

  async #watchDisk(path: string): Promise<void> {
    const file: FileHandle = await open(path, 'a');
    try {
      while (!this.#stop.signal.aborted) {
        const us = await wallUs(async () => {
          await file.write('.');
          await file.sync();
        });
        Atomics.store(this.lastUs, 1, us);
        await this.#rest();
      }
    } finally {
      await file.close();
    }
  }

  #rest(): Promise<unknown> {
    return pause(EVERY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}

async function wallUs(work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return Math.round((performance.now() - begin) * 1000);
}
