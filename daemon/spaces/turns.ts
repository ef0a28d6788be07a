// One at a time per key, different keys at once, first come first served.

export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs `work` when everything asked for earlier under the same key has ended, well or badly. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const mine = before.then(() => ended);
    this.#last.set(key, mine);
    await before;
    try {
      return await work();
    } finally {
      resolve();
      if (this.#last.get(key) === mine) this.#last.delete(key);
    }
  }
}
