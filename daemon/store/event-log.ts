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

  constructor(db: Database) {
    this.#insert = db.prepare(
      'INSERT INTO events (run_id, type, at, phase, reason, exit_code) VALUES (?, ?, ?, ?, ?, ?) RETURNING *',
    );
    this.#since = db.prepare('SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?');
    this.#trim = db.prepare('DELETE FROM events WHERE seq <= (SELECT max(seq) FROM events) - ?');
    this.#bounds = db.prepare('SELECT min(seq) AS first, max(seq) AS last FROM events');
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

  /** After the outermost commit. A listener must not throw. */
  publish(): void {
    const events = this.#uncommitted;
    this.#uncommitted = [];
    if (events.length > 0) for (const listener of this.#listeners) listener(events);
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

  /** First and last kept sequence numbers; 0 and 0 when there are none. */
  bounds(): { first: number; last: number } {
    const { first, last } = this.#bounds.get() as { first: number | null; last: number | null };
    return { first: first ?? 0, last: last ?? 0 };
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
