// One round of work at a time, soon after somebody asked for it: any number of calls before it begins are one round, and
// a call while it goes on is one more.

export interface RoundsOptions {
  /** `isDue`: somebody knows that there is something to decide, and didn't only hear of a change. */
  work: (isDue: boolean) => Promise<void>;
  onDone: () => void;
  onError: (error: unknown) => void;
}

export class Rounds {
  readonly #options: RoundsOptions;
  #isStopped = true;
  #isAwake = false;
  #isWorking = false;
  #isDue = false;
  #isStale = false;
  #working: Promise<void> = Promise.resolve();

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  start(): void {
    this.#isStopped = false;
  }

  /** Resolves when the last round is over. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#working;
  }

  /** The next round has something to decide, whenever it is. */
  note(): void {
    this.#isDue = true;
  }

  wake(): void {
    if (this.#isAwake || this.#isStopped) return;
    this.#isAwake = true;
    setImmediate(() => {
      this.#isAwake = false;
      if (!this.#isWorking) this.#working = this.#work();
      // Whoever works now may have seen the change, or not.
      else this.#isStale = true;
    });
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    try {
      do {
        const wasDue = this.#isDue;
        [this.#isDue, this.#isStale] = [false, false];
        if (!this.#isStopped) await this.#options.work(wasDue);
      } while ((this.#isDue || this.#isStale) && !this.#isStopped);
      this.#options.onDone();
    } catch (error) {
      this.#options.onError(error);
    } finally {
      this.#isWorking = false;
    }
  }
}
