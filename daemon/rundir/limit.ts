// At most so many pieces of work at once, the others in line: ten thousand runs of one request would open ten thousand
// files side by side. Nor may a long line hold up everything else, on a disk where each takes milliseconds.
import { setImmediate as nextTurn } from 'node:timers/promises';

const TURN_MS = 10;

export class Limit {
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #rested = Number.NEGATIVE_INFINITY;
  #resting: Promise<void> | undefined;

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      while (performance.now() - this.#rested > TURN_MS) await this.#rest();
      return await work();
    } finally {
      // A place is handed over rather than given back, so nobody can take it in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }

  /** Lets whatever else has come in be done first. All that wait for it go on together, until their time is up again. */
  #rest(): Promise<void> {
    this.#resting ??= nextTurn().then(() => {
      this.#resting = undefined;
      this.#rested = performance.now();
    });
    return this.#resting;
  }
}
