// Wakes whoever waits for something to happen to a run's supervisor: a file in ended/, its exit, the loss of its
// fifo. A signal is a hint; who is woken looks at the files.
import { hasEnded } from '../../shared/run-state.ts';
import type { RunnerDeps } from './deps.ts';

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

/** A mark has appeared in ended/. Of a run that was collected before, it is nobody's any more; of an unknown one, it waits. */
export function hearEnd(
  { store, folders, ends, log }: Pick<RunnerDeps, 'store' | 'folders' | 'ends' | 'log'>,
  runId: string,
): void {
  const run = store.runs.get(runId);
  if (!run || !hasEnded(run.phase)) {
    ends.signal(runId);
    return;
  }
  folders
    .clearEnded(run)
    .catch((error: unknown) => log.warn({ err: error, runId }, 'its mark in ended/ stays'));
}
