// Deletes what runs left outside of their watched directories once its days are over.
import { LEFT_TERM_MS } from '../artifacts/left.ts';
import type { Store } from '../store/store.ts';
import { expiredLeftovers, type GcDeps } from './gc.ts';

const DAY_MS = 24 * 3600_000;
/** Where the last look ended, so that a long history isn't walked through every day. */
const SETTING = 'left-expired-until';

/** Of all runs that ended since the last look, or soon before it. */
export async function expireLeft(deps: Pick<GcDeps, 'folders' | 'nowMs'> & { store: Store }): Promise<void> {
  const { store, nowMs } = deps;
  const since = Number(store.setting(SETTING) ?? 0);
  const until = nowMs() - LEFT_TERM_MS;
  const runs = store.runs.endedBefore(until).filter(({ finishedAt }) => (finishedAt ?? 0) >= since);
  for await (const { remove } of expiredLeftovers(deps, runs)) await remove();
  // A folder counts from its last change, which is a little after the end of its run: look at a day again.
  store.putSetting(SETTING, String(until - DAY_MS));
}
