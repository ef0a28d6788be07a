// Carries every change of a run from the index into its folder, in the order of the events, and forgets none: how far
// the folders have come is kept in the index, so that after a crash they are brought up from there. Nobody's answer
// waits for it. What happens to a run within a moment is written together; its end at once, as people look then.
import { hasEnded, PHASES } from '../../shared/run-state.ts';
import type { RunEvent } from '../../shared/schemas/local.ts';
import type { RunRecord } from '../store/record.ts';
import type { Store } from '../store/store.ts';
import type { RunFolders } from './run-folders.ts';

const SETTING = 'events_in_folders';
const EVENTS_AT_ONCE = 1000;
const GATHER_MS = 100;
const ENDS: ReadonlySet<string | null> = new Set(PHASES.filter(hasEnded));

export class FolderJournal {
  readonly #store: Store;
  readonly #folders: RunFolders;
  /** Events whose writing isn't done, or failed; in their order. */
  readonly #unwritten = new Set<number>();
  /** Of these, by run, those that failed. */
  readonly #failed = new Map<string, RunEvent[]>();
  /** Of these, by run, those that are about to be written. */
  readonly #gathered = new Map<string, RunEvent[]>();
  #timer: NodeJS.Timeout | undefined;
  #last: number;
  #saved: number;

  constructor(store: Store, folders: RunFolders) {
    this.#store = store;
    this.#folders = folders;
    this.#saved = Number(store.setting(SETTING) ?? store.events.bounds().first - 1);
    this.#last = Math.max(this.#saved, 0);
  }

  /** Brings the folders up to what an earlier daemon had committed, and from then on to every commit of this one. */
  async start(): Promise<void> {
    for (let from = this.#last; ; from = this.#last) {
      const missed = this.#store.events.since(from, EVENTS_AT_ONCE);
      if (missed.length === 0) break;
      await this.#write(missed);
    }
    this.#store.events.listen((events) => this.#take(events));
    this.#store.beforeCommit(() => this.#save());
  }

  /** Begins to write what has been gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const runId of [...this.#gathered.keys()]) this.#writeGathered(runId);
  }

  /** The last word of a daemon that stops, when all folders are written. */
  close(): void {
    this.#store.transaction(() => this.#save());
  }

  /** Writes what could not be written before, when there is room again. */
  async tryAgain(): Promise<void> {
    await this.#write([...this.#failed.values()].flat());
  }

  #take(events: readonly RunEvent[]): void {
    for (const event of events) {
      this.#last = Math.max(this.#last, event.seq);
      if (event.runId === null) continue;
      if (event.type === 'run.submitted' || this.#failed.has(event.runId)) {
        void this.#write([event]);
        continue;
      }
      this.#unwritten.add(event.seq);
      this.#gathered.set(event.runId, [...(this.#gathered.get(event.runId) ?? []), event]);
      if (ENDS.has(event.phase)) this.#writeGathered(event.runId);
      else this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
    }
  }

  #writeGathered(runId: string): void {
    const events = this.#gathered.get(runId) ?? [];
    this.#gathered.delete(runId);
    const run = this.#store.runs.get(runId);
    // Removed by now, and its folder with it.
    if (!run) for (const { seq } of events) this.#unwritten.delete(seq);
    else
      void this.#follow(
        runId,
        events,
        this.#folders.record(run, events, this.#store.runs.dependencies(runId)),
      );
  }

  /** Adds to each run's folder whatever it lacks of these events, and of those that failed before. */
  async #write(events: readonly RunEvent[]): Promise<void> {
    const byRun = new Map<string, { run: RunRecord; missed: RunEvent[] }>();
    for (const event of events) {
      const run = this.#runOf(event);
      if (!run) continue;
      const entry = byRun.get(run.id) ?? { run, missed: [...(this.#failed.get(run.id) ?? [])] };
      if (!entry.missed.includes(event)) entry.missed.push(event);
      byRun.set(run.id, entry);
    }
    await Promise.all(
      [...byRun.values()].map(({ run, missed }) => {
        if (missed.some(({ type }) => type === 'run.submitted'))
          void this.#folders.create(run, () => this.#store.mustGetScript(run.jobId));
        const after = this.#store.runs.dependencies(run.id);
        return this.#follow(run.id, missed, this.#folders.catchUp(run, missed, after));
      }),
    );
  }

  /** An event without a run, or of one that was removed, has no folder to go to. */
  #runOf(event: RunEvent): RunRecord | undefined {
    this.#last = Math.max(this.#last, event.seq);
    return event.runId === null ? undefined : this.#store.runs.get(event.runId);
  }

  async #follow(runId: string, events: readonly RunEvent[], written: Promise<boolean>): Promise<void> {
    for (const { seq } of events) this.#unwritten.add(seq);
    if (await written) {
      for (const { seq } of events) this.#unwritten.delete(seq);
      const left = (this.#failed.get(runId) ?? []).filter(({ seq }) => this.#unwritten.has(seq));
      if (left.length === 0) this.#failed.delete(runId);
      else this.#failed.set(runId, left);
    } else {
      this.#failed.set(runId, [...new Set([...(this.#failed.get(runId) ?? []), ...events])]);
    }
  }

  /** Costs next to nothing, as it is part of a commit that happens anyway. */
  #save(): void {
    const [firstUnwritten] = this.#unwritten;
    const reached = firstUnwritten === undefined ? this.#last : firstUnwritten - 1;
    if (reached <= this.#saved) return;
    this.#store.putSetting(SETTING, String(reached));
    this.#saved = reached;
  }
}
