// Starts runs when something has changed that may let one start. Woken by events only; it never looks by itself.
import type { Store } from '../store/store.ts';
import { plan, type Resources } from './plan.ts';

export interface SchedulerOptions {
  store: Store;
  slots: () => number;
  /** Takes a run that has just become the next; called in order. */
  start: (runId: string) => void;
  /** Told of a run that could not be taken (a full disk, say). It stays queued, and the next wake tries again. */
  onError: (runId: string, error: unknown) => void;
  /** A fault that forbids new starts, in words; null when there is none. */
  problem: () => string | null;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  #isAwake = false;
  #isStopped = true;
  #unlisten: (() => void) | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  start(): void {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    this.#unlisten = this.#options.store.events.listen(() => this.wake());
    this.wake();
  }

  stop(): void {
    this.#isStopped = true;
    this.#unlisten?.();
  }

  /** Plans soon, once for any number of calls before it happens. */
  wake(): void {
    if (this.#isAwake || this.#isStopped) return;
    this.#isAwake = true;
    setImmediate(() => {
      this.#isAwake = false;
      if (!this.#isStopped) this.#startNext();
    });
  }

  resources(): Resources {
    const { store, slots, problem } = this.#options;
    return {
      slots: slots(),
      occupied: store.runs.countOccupying(),
      paused: store.isPaused || problem() !== null,
    };
  }

  #startNext(): void {
    const { store, start, onError } = this.#options;
    const resources = this.resources();
    const free = resources.slots - resources.occupied;
    if (free <= 0 || resources.paused) return;
    for (const id of plan(store.runs.ready(free), resources)) {
      try {
        start(id);
      } catch (error) {
        onError(id, error);
        return;
      }
    }
  }
}
