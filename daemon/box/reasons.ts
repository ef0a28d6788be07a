// Why each run waits, by one decision. A daemon asks for all of its tickets after each, so a decision is looked through once.
import type { Accounts } from './accounts.ts';
import type { Decision, Waiting } from './plan/types.ts';
import type { Explanation } from './types.ts';
import { peopleIn, refusalWords, waitWords } from './words.ts';

export class Reasons {
  readonly #accounts: Accounts;
  readonly #reader: number;
  #indexed: { decision: Decision; waiting: ReadonlyMap<string, Waiting> } | undefined;

  constructor(accounts: Accounts, reader: number) {
    this.#accounts = accounts;
    this.#reader = reader;
  }

  /** Undefined for a run that isn't waiting. */
  async of(run: string, decision: Decision): Promise<Explanation | undefined> {
    const refusal = decision.refusals.find((candidate) => candidate.run === run);
    if (refusal) return { words: refusalWords(refusal.reason), position: null, expectedMs: null };
    const waiting = this.#waitingOf(decision).get(run);
    if (waiting === undefined) return undefined;
    const { position, reason } = waiting;
    await this.#accounts.learn(peopleIn(reason));
    const nameOf = (uid: number) => this.#accounts.nameOf(uid);
    return {
      words: waitWords(reason, { nameOf, nowMs: Date.now(), reader: this.#reader }),
      position,
      expectedMs: decision.expectedStarts().get(run) ?? null,
    };
  }

  #waitingOf(decision: Decision): ReadonlyMap<string, Waiting> {
    if (this.#indexed?.decision !== decision) {
      this.#indexed = { decision, waiting: new Map(decision.waiting.map((entry) => [entry.run, entry])) };
    }
    return this.#indexed.waiting;
  }
}
