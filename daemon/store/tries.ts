import type { RunRecord } from './record.ts';
import type { Store } from './store.ts';

/** The newest try of a run: itself, or the end of its chain of retries. */
export function lastTryOf(store: Store, run: RunRecord): RunRecord {
  let last = run;
  while (last.retriedBy !== null) last = store.mustGet(last.retriedBy);
  return last;
}
