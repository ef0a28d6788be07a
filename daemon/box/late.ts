// This daemon's own watch over those whose turn has come: who was called and doesn't take what is theirs is passed over
// until they renew their ticket. In memory: others come to the same by the times of the wake files.
import type { Ticket } from './files/tickets.ts';
import { ANSWER_MS } from './survey.ts';

export class LateWatch {
  readonly #called = new Map<string, { sinceMs: number; isLate: boolean }>();

  isLate({ run, renewedMs }: Ticket, nowMs: number): boolean {
    const call = this.#called.get(run);
    if (call === undefined) return false;
    if (renewedMs >= call.sinceMs) {
      this.#called.delete(run);
      return false;
    }
    if (nowMs - call.sinceMs >= ANSWER_MS) call.isLate = true;
    return call.isLate;
  }

  /** These have been called now, if they weren't before; others that weren't late are no longer waited for. */
  note(granted: ReadonlySet<string>, nowMs: number): void {
    for (const [run, call] of this.#called) if (!granted.has(run) && !call.isLate) this.#called.delete(run);
    for (const run of granted) {
      if (!this.#called.has(run)) this.#called.set(run, { sinceMs: nowMs, isLate: false });
    }
  }

  forget(waiting: ReadonlySet<string>): void {
    for (const run of this.#called.keys()) if (!waiting.has(run)) this.#called.delete(run);
  }
}
