// How slow the machine is just now: the wall time of a few small processes. As a multiple of the fastest that was seen it
// says what a limit in milliseconds means on a machine that others keep busy.
import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

const EVERY_MS = 150;
/** A single one may have been unlucky: the middle of these counts. */
const KEPT = 3;
const WORK = 'for _ in 1 2 3; do /bin/true; done';

export class Canary {
  /** The last wall time in µs, for other threads to read. */
  readonly lastUs = new Int32Array(new SharedArrayBuffer(4));
  fastestUs = Number.POSITIVE_INFINITY;
  readonly #stop = new AbortController();
  readonly #singing: Promise<void>;

  constructor() {
    this.#singing = this.#sing();
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#singing;
  }

  async #sing(): Promise<void> {
    const { signal } = this.#stop;
    const last: number[] = [];
    while (!signal.aborted) {
      const us = await wallUs();
      this.fastestUs = Math.min(this.fastestUs, us);
      last.push(us);
      if (last.length > KEPT) last.shift();
      const middle = [...last].sort((a, b) => a - b)[Math.floor(last.length / 2)] ?? us;
      Atomics.store(this.lastUs, 0, middle);
      await pause(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

function wallUs(): Promise<number> {
  const begin = performance.now();
  return new Promise((resolve) =>
    execFile('/bin/bash', ['-c', WORK], () => resolve(Math.round((performance.now() - begin) * 1000))),
  );
}
