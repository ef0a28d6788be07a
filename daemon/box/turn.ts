// When a decision needs the arbiter. Taking it starts a process and makes others wait, and most decisions change nothing:
// each event makes every daemon decide, and one of them is next.
import type { Decider, Round } from './decider.ts';
import type { Arbiter } from './files/arbiter.ts';
import { isNextOurs } from './what-to-watch.ts';

export interface Turn {
  decider: Decider;
  arbiter: Arbiter;
  /** Runs that have been granted devices and whose supervisors are on their way. */
  starting: ReadonlySet<string>;
  last: Round | undefined;
  /** Something has happened since, that makes room for a run of ours. */
  isOurTurn: boolean;
  carryOut: (round: Round) => Promise<void>;
}

export async function takeTurn({
  decider,
  arbiter,
  starting,
  last,
  isOurTurn,
  carryOut,
}: Turn): Promise<Round> {
  if (!isOurTurn && !isLikelyToAct(last, decider)) {
    const round = await decider.plan();
    if (decider.isIdle(round, starting)) {
      await carryOut(round);
      return round;
    }
  }
  // What others did meanwhile counts: look again.
  return arbiter.decide(async () => {
    const round = await decider.plan();
    await carryOut(round);
    return round;
  });
}

/** A guess, and no harm if it is wrong: a look is saved when it is right. */
function isLikelyToAct(last: Round | undefined, decider: Decider): boolean {
  if (last === undefined || last.decision.waiting.length === 0) return true;
  return isNextOurs(last, (run) => decider.isOurs(last.survey, run));
}
