import type { RunRecord } from './record.ts';
import type { Store } from './store.ts';

/** The newest try of a run: itself, or the end of its chain of retries. */
export function lastTryOf(store: Store, run: RunRecord): RunRecord {
  let last = run;
  for (let next: RunRecord | undefined = run; next; ) {
    last = next;
    // A later try may have been removed before an earlier one; then this is the newest that is left.
    next = last.retriedBy === null ? undefined : store.runs.get(last.retriedBy);
  }
  return last;
}
