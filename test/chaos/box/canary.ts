// How slow the machine is just now: the wall time of a few small processes, as a multiple of the fastest that was seen.
// On a machine that others keep busy, a limit in milliseconds says nothing about us without it.
import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

const EVERY_MS = 150;
/** A single one may have been unlucky: the middle of these counts. */
const KEPT = 3;
const WORK = 'for _ in 1 2 3; do /bin/true; done';

export class Canary {
  /** In thousandths, for other threads to read. */
  readonly slowness = new Int32Array(new SharedArrayBuffer(4));
  readonly #stop = new AbortController();
  readonly #singing: Promise<void>;

  constructor() {
    this.slowness[0] = 1000;
    this.#singing = this.#sing();
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#singing;
  }

  async #sing(): Promise<void> {
    const { signal } = this.#stop;
    const last: number[] = [];
    let fastest = Number.POSITIVE_INFINITY;
    while (!signal.aborted) {
      const ms = await wallMs();
      fastest = Math.min(fastest, ms);
      last.push(ms);
      if (last.length > KEPT) last.shift();
      const middle = [...last].sort((a, b) => a - b)[Math.floor(last.length / 2)] ?? ms;
      Atomics.store(this.slowness, 0, Math.round((1000 * middle) / fastest));
      await pause(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

function wallMs(): Promise<number> {
  const begin = performance.now();
  return new Promise((resolve) =>
    execFile('/bin/bash', ['-c', WORK], () => resolve(performance.now() - begin)),
  );
}
