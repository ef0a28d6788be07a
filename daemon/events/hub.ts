// Who is told when a run changes. Listeners get a hint and read the truth from the store; nothing is queued here, so
// a slow watcher costs nothing.
import type { RunEvent } from '../../shared/schemas/local.ts';

type RunListener = () => void;

export class EventHub {
  readonly #byRun = new Map<string, Set<RunListener>>();
  readonly #onAny = new Set<RunListener>();

  /** Takes what the store has just committed. */
  publish(events: readonly RunEvent[]): void {
    const runs = new Set(events.map((event) => event.runId));
    for (const id of runs) for (const listener of [...(this.#byRun.get(id ?? '') ?? [])]) listener();
    for (const listener of [...this.#onAny]) listener();
  }

  /** Calls `listener` after each change of a run. Returns the way to stop it. */
  onRun(id: string, listener: RunListener): () => void {
    const listeners = this.#byRun.get(id) ?? new Set();
    this.#byRun.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#byRun.get(id) === listeners) this.#byRun.delete(id);
    };
  }

  onAny(listener: RunListener): () => void {
    this.#onAny.add(listener);
    return () => this.#onAny.delete(listener);
  }

  /** Resolves to what `look` first returns that isn't undefined, looking now and after each change of the run. */
  until<T>(id: string, look: () => T | undefined, signal?: AbortSignal): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const letGo = () => {
        stop();
        signal?.removeEventListener('abort', abort);
      };
      const finish = (value: T | undefined) => {
        letGo();
        resolve(value);
      };
      const attempt = () => {
        try {
          const value = look();
          if (value !== undefined) finish(value);
        } catch (error) {
          letGo();
          reject(error);
        }
      };
      const abort = () => finish(undefined);
      const stop = this.onRun(id, attempt);
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted) abort();
      else attempt();
    });
  }
}
