// How long a request is waited with: until time is up, its client is gone, or the daemon stops. Lets go of all of that
// as soon as the wait is over: `AbortSignal.timeout` and `any` would keep each wait of the last hour in memory.

export class WaitLimit {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #others: readonly AbortSignal[];
  readonly #end = () => this.#controller.abort();

  constructor(ms: number, others: readonly AbortSignal[]) {
    this.#others = others;
    this.#timer = setTimeout(this.#end, ms).unref();
    for (const signal of others) signal.addEventListener('abort', this.#end, { once: true });
    if (others.some(({ aborted }) => aborted)) this.#end();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  release(): void {
    clearTimeout(this.#timer);
    for (const signal of this.#others) signal.removeEventListener('abort', this.#end);
  }
}
