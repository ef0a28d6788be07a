// Wakes whoever waits for something to happen to a run's supervisor: a file in ended/, its exit, the loss of its
// fifo. A signal is a hint; who is woken looks at the files.

export class EndSignals {
  readonly #waiting = new Map<string, () => void>();
  readonly #missed = new Set<string>();

  /** Resolves at the next signal for the run, or at once when one came since the last wait. */
  wait(runId: string): Promise<void> {
    if (this.#missed.delete(runId)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(runId, resolve));
  }

  signal(runId: string): void {
    const wake = this.#waiting.get(runId);
    if (!wake) {
      this.#missed.add(runId);
      return;
    }
    this.#waiting.delete(runId);
    wake();
  }

  /** The run has ended: nobody will wait for it again. */
  forget(runId: string): void {
    this.#missed.delete(runId);
    this.#waiting.delete(runId);
  }
}
