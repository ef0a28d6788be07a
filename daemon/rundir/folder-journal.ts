// Carries every change of a run from the index into its folder, in the order of the events, and forgets none: how far
// the folders have come is kept in the index, so that after a crash they are brought up from there. Nobody's answer
// waits for it.
import type { RunEvent } from '../../shared/schemas/local.ts';
import type { RunRecord } from '../store/record.ts';
import type { Store } from '../store/store.ts';
import type { RunFolders } from './run-folders.ts';

const SETTING = 'events_in_folders';
const EVENTS_AT_ONCE = 1000;

export class FolderJournal {
  readonly #store: Store;
  readonly #folders: RunFolders;
  /** Events whose writing isn't done, or failed; in their order. */
  readonly #unwritten = new Set<number>();
  /** Of these, by run, those that failed. */
  readonly #failed = new Map<string, RunEvent[]>();
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
      const run = this.#runOf(event);
      if (!run) continue;
      if (event.type === 'run.submitted' || this.#failed.has(run.id)) {
        void this.#write([event]);
        continue;
      }
      const written = this.#folders.record(run, event, this.#store.runs.dependencies(run.id));
      void this.#follow(run.id, [event], written);
    }
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
