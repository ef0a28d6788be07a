// What a daemon that lives for months does once a day, and when it starts: each chore for itself, in the background.

export type Chore = () => Promise<void> | void;

const DAY_MS = 24 * 3600_000;

export class Daily {
  readonly #chores: readonly Chore[];
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(chores: readonly Chore[], onError: (error: unknown) => void) {
    this.#chores = chores;
    this.#onError = onError;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#do(), DAY_MS).unref();
    this.#do();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #do(): void {
    for (const chore of this.#chores) void this.#tried(chore);
  }

  /** One that fails is told of, and no hindrance to the others, nor to itself tomorrow. */
  async #tried(chore: Chore): Promise<void> {
    try {
      await chore();
    } catch (error) {
      this.#onError(error);
    }
  }
}
