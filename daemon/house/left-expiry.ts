// Deletes what runs left outside of their watched directories, and spaces that nobody has used again, once their days
// are over: at start, and once a day.
import { LEFT_TERM_MS } from '../artifacts/left.ts';
import type { Spaces } from '../spaces/index.ts';
import type { Store } from '../store/store.ts';
import { expiredLeftovers, type GcDeps } from './gc.ts';

interface ExpiryDeps extends Pick<GcDeps, 'folders' | 'nowMs'> {
  store: Store;
  spaces: Pick<Spaces, 'expire'>;
}

const DAY_MS = 24 * 3600_000;
/** Where the last look ended, so that a long history isn't walked through every day. */
const SETTING = 'left-expired-until';

export class LeftExpiry {
  readonly #deps: ExpiryDeps;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: ExpiryDeps, onError: (error: unknown) => void) {
    this.#deps = deps;
    this.#onError = onError;
  }

  /** Looks in the background, now and every day. */
  start(): void {
    this.#timer ??= setInterval(() => this.#look(), DAY_MS).unref();
    this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    this.#expire().catch(this.#onError);
  }

  async #expire(): Promise<void> {
    const { store, spaces, nowMs } = this.#deps;
    await spaces.expire(nowMs());
    const since = Number(store.setting(SETTING) ?? 0);
    const until = nowMs() - LEFT_TERM_MS;
    const runs = store.runs.endedBefore(until).filter(({ finishedAt }) => (finishedAt ?? 0) >= since);
    for await (const { remove } of expiredLeftovers(this.#deps, runs)) await remove();
    // A folder counts from its last change, which is a little after the end of its run: look at a day again.
    store.putSetting(SETTING, String(until - DAY_MS));
  }
}
