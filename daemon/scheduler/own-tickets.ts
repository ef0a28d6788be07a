// Our tickets in the line of a box, kept in step with what we want. A ticket that stays keeps its seniority.
import type { Box } from '../box/index.ts';
import type { RunRecord } from '../store/record.ts';

const PRIORITY_LIMIT = 1000;

export interface Wanted {
  run: RunRecord;
  isPrepared: boolean;
}

export class OwnTickets {
  /** What they say, by run. */
  readonly #texts = new Map<string, string>();
  #isTidied = false;

  has(run: string): boolean {
    return this.#texts.has(run);
  }

  runs(): string[] {
    return [...this.#texts.keys()];
  }

  /** The box has withdrawn it. */
  forget(run: string): void {
    this.#texts.delete(run);
  }

  /** Puts what is missing or has changed, and withdraws the others but for those to keep. True when that was anything. */
  renew(box: Box, wanted: readonly Wanted[], isKept: (run: string) => boolean): boolean {
    const ids = new Set(wanted.map(({ run: { id } }) => id));
    // What an earlier daemon of this home has left.
    if (!this.#isTidied) box.keepOnly(ids);
    this.#isTidied = true;
    const gone = this.runs().filter((run) => !ids.has(run) && !isKept(run));
    for (const run of gone) {
      box.withdraw(run);
      this.#texts.delete(run);
    }
    const changed = wanted.map(requestOf).filter((request) => !this.#says(request));
    for (const request of changed) {
      box.put(request);
      this.#texts.set(request.run, JSON.stringify(request));
    }
    return gone.length + changed.length > 0;
  }

  #says(request: ReturnType<typeof requestOf>): boolean {
    return this.#texts.get(request.run) === JSON.stringify(request);
  }
}

function requestOf({ run: { id, recipe, priority }, isPrepared }: Wanted) {
  const { resources } = recipe;
  return {
    run: id,
    gpus: resources.gpus,
    type: resources.gpuType,
    timeMs: resources.timeMs,
    priority: Math.max(-PRIORITY_LIMIT, Math.min(PRIORITY_LIMIT, priority)),
    prepared: isPrepared,
  };
}
