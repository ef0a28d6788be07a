// What the test did and was told, kept apart from what the runs and the daemon wrote: the checker compares the two.
import { appendFileSync } from 'node:fs';
import type { Wish } from './workload.ts';

export interface Request {
  wish: Wish;
  /** Ids that were acknowledged; empty while nobody has answered. */
  ids: string[];
  /** Sent in a way that can't be sent again under the same key: it may have made its run or not. */
  isUncertain: boolean;
  /** A cancel was sent; `accepted` once it was answered well. */
  cancel: 'none' | 'asked' | 'accepted';
  /** An answer that no request of this test should get. */
  refusals: string[];
  /** What a watcher got that the log does not have, or the other way round. */
  watchFaults: string[];
}

export type VictimPart = 'supervisor' | 'leader' | 'group';

export class Journal {
  readonly requests = new Map<number, Request>();
  /** Run id → what of it was killed. */
  readonly victims = new Map<string, Set<VictimPart>>();
  /** Name of a fault → how often it was brought about. */
  readonly faults = new Map<string, number>();
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  open(wish: Wish): Request {
    const request: Request = {
      wish,
      ids: [],
      isUncertain: false,
      cancel: 'none',
      refusals: [],
      watchFaults: [],
    };
    this.requests.set(wish.index, request);
    return request;
  }

  acknowledge(request: Request, ids: string[]): void {
    request.ids = ids;
    this.note({ acknowledged: request.wish.tag, ids });
  }

  kill(runId: string, part: VictimPart): void {
    this.victims.set(runId, (this.victims.get(runId) ?? new Set()).add(part));
    this.note({ killed: part, runId });
  }

  count(fault: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
    this.note({ fault });
  }

  /** Kills and restarts; cut connections come on top. */
  get faultCount(): number {
    const counts = [...this.faults].map(([name, count]) => (name.startsWith('client ') ? 0 : count));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** A line with its time, for the reader of a failed run. */
  note(fields: object): void {
    appendFileSync(this.#file, `${JSON.stringify({ at: new Date().toISOString(), ...fields })}\n`);
  }
}
