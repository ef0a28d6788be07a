// When a decision needs the arbiter. Taking it starts a process and makes others wait, and most decisions change nothing:
// each event makes every daemon decide, and one of them is next.
import type { Decider, Round } from './decider.ts';
import type { Arbiter } from './files/arbiter.ts';
import { isNextOurs } from './what-to-watch.ts';

export interface Turn {
  /** Runs that have been granted devices and whose supervisors are on their way. */
  starting: ReadonlySet<string>;
  last: Round | undefined;
  carryOut: (round: Round) => Promise<void>;
}

export class Turns {
  readonly #decider: Decider;
  readonly #arbiter: Arbiter;
  #isOurs = false;

  constructor(decider: Decider, arbiter: Arbiter) {
    this.#decider = decider;
    this.#arbiter = arbiter;
  }

  /** Something has made room for a run of ours: the next turn will do something. */
  expect(): void {
    this.#isOurs = true;
  }

  async take({ starting, last, carryOut }: Turn): Promise<Round> {
    const isOurs = this.#isOurs;
    this.#isOurs = false;
    if (!isOurs && !this.#isLikelyToAct(last)) {
      const round = await this.#decider.plan();
      if (this.#decider.isIdle(round, starting)) {
        await carryOut(round);
        return round;
      }
    }
    // What others did meanwhile counts: look again.
    return this.#arbiter.decide(async () => {
      const round = await this.#decider.plan();
      await carryOut(round);
      return round;
    });
  }

  close(): void {
    this.#arbiter.close();
  }

  /** A guess, and no harm if it is wrong: a look is saved when it is right. */
  #isLikelyToAct(last: Round | undefined): boolean {
    if (last === undefined || last.decision.waiting.length === 0) return true;
    return isNextOurs(last, (run) => this.#decider.isOurs(last.survey, run));
  }
}
