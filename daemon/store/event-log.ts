// The durable list of what happened. Rows are appended inside the transaction that changed the run and told to
// listeners only after it has committed.
import type { Database, Statement } from 'better-sqlite3';
import { type EndReason, type Phase, statusOf } from '../../shared/run-state.ts';
import type { RunEvent } from '../../shared/schemas/local.ts';

interface EventRow {
  seq: number;
  run_id: string | null;
  type: string;
  at: number;
  phase: Phase | null;
  reason: EndReason | null;
  exit_code: number | null;
}

export interface NewEvent {
  type: string;
  at: number;
  run?: { id: string; phase: Phase; reason: EndReason | null; exitCode: number | null };
}

export type EventListener = (events: readonly RunEvent[]) => void;

export class EventLog {
  readonly #insert: Statement;
  readonly #since: Statement;
  readonly #trim: Statement;
  readonly #bounds: Statement;
  readonly #listeners = new Set<EventListener>();
  #uncommitted: RunEvent[] = [];
  #unpublished: RunEvent[] = [];
  #isPublishing = false;

  constructor(db: Database) {
    this.#insert = db.prepare(
      'INSERT INTO events (run_id, type, at, phase, reason, exit_code) VALUES (?, ?, ?, ?, ?, ?) RETURNING *',
    );
    this.#since = db.prepare('SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?');
    this.#trim = db.prepare('DELETE FROM events WHERE seq <= (SELECT max(seq) FROM events) - ?');
    // The sequence goes on where it was even when every event has been trimmed, or the index was made anew.
    this.#bounds = db.prepare(
      "SELECT (SELECT min(seq) FROM events) AS first, (SELECT seq FROM sqlite_sequence WHERE name = 'events') AS last",
    );
  }

  /** Inside a transaction only. */
  append({ type, at, run }: NewEvent): void {
    const row = this.#insert.get(
      run?.id ?? null,
      type,
      at,
      run?.phase ?? null,
      run?.reason ?? null,
      run?.exitCode ?? null,
    );
    this.#uncommitted.push(eventOf(row as EventRow));
  }

  /**
   * After the outermost commit. A listener must not throw; should one, the others are told all the same. What a
   * listener changes itself is told after what it was told, so everyone hears of everything in order.
   */
  publish(): void {
    for (const event of this.#uncommitted) this.#unpublished.push(event);
    this.#uncommitted = [];
    if (this.#isPublishing) return;
    this.#isPublishing = true;
    const faults: unknown[] = [];
    try {
      while (this.#unpublished.length > 0) {
        const events = this.#unpublished;
        this.#unpublished = [];
        for (const listener of [...this.#listeners]) {
          try {
            listener(events);
          } catch (fault) {
            faults.push(fault);
          }
        }
      }
    } finally {
      this.#isPublishing = false;
    }
    if (faults.length > 0) throw new AggregateError(faults, 'a listener of the event log threw');
  }

  /** After a rollback. */
  forget(): void {
    this.#uncommitted = [];
  }

  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Events after `seq`, oldest first. */
  since(seq: number, limit: number): RunEvent[] {
    return (this.#since.all(seq, limit) as EventRow[]).map(eventOf);
  }

  /** The first event that is kept, and the last that was given a number; `first` is `last + 1` when none is kept. */
  bounds(): { first: number; last: number } {
    const row = this.#bounds.get() as { first: number | null; last: number | null };
    const last = row.last ?? 0;
    return { first: row.first ?? last + 1, last };
  }

  /** Keeps the newest `keep` events. */
  trim(keep: number): void {
    this.#trim.run(keep);
  }
}

function eventOf(row: EventRow): RunEvent {
  return {
    seq: row.seq,
    type: row.type,
    at: new Date(row.at).toISOString(),
    runId: row.run_id,
    status: row.phase === null ? null : statusOf(row.phase),
    phase: row.phase,
    reason: row.reason,
    exitCode: row.exit_code,
  };
}
