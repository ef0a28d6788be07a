// How a run that has exited ends. Pure.

import type { RunRecord } from '../store/record.ts';
import type { Ending } from '../store/settlement.ts';

export interface Verdict {
  verb: 'succeed' | 'fail' | 'cancel' | 'lose';
  ending: Ending;
}

/** The wish to cancel counts when it came before the exit was written down, whatever code the command then gave. */
export function endingOf(run: RunRecord): Verdict {
  const reason = run.reason ?? 'lost';
  const wished =
    run.cancelRequestedAt !== null && run.cancelRequestedAt <= (run.exitedAt ?? Number.POSITIVE_INFINITY);
  if (wished || reason === 'cancelled') return { verb: 'cancel', ending: { reason: 'cancelled' } };
  if (reason === 'lost') return { verb: 'lose', ending: { reason: 'lost' } };
  if (reason === 'exit' && run.exitCode === 0) return { verb: 'succeed', ending: { reason: 'exit' } };
  return { verb: 'fail', ending: { reason } };
}
