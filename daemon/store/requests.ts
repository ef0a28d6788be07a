// What a request with an idempotency key has made: the same key again is answered with the same runs.
import type { Preparer } from './statements.ts';

export class RequestKeys {
  readonly #db: Preparer;

  constructor(db: Preparer) {
    this.#db = db;
  }

  /** Ids of the runs that were made under a key, or undefined. */
  find(key: string): string[] | undefined {
    const text = this.#db.prepare('SELECT run_ids FROM requests WHERE key = ?').pluck().get(key);
    return text === undefined ? undefined : (JSON.parse(String(text)) as string[]);
  }

  /** All that are remembered. */
  all(): { key: string; runIds: string[]; createdAt: number }[] {
    const rows = this.#db.prepare('SELECT key, run_ids, created_at FROM requests').all();
    return (rows as { key: string; run_ids: string; created_at: number }[]).map((row) => ({
      ...{ key: row.key, createdAt: row.created_at },
      runIds: JSON.parse(row.run_ids) as string[],
    }));
  }

  /** Inside the transaction that makes the runs. */
  remember(key: string, runIds: readonly string[], nowMs: number): void {
    this.#db
      .prepare('INSERT INTO requests (key, run_ids, created_at) VALUES (?, ?, ?)')
      .run(key, JSON.stringify(runIds), nowMs);
  }

  /** Nobody repeats a request after long enough. */
  forgetBefore(timeMs: number): void {
    this.#db.prepare('DELETE FROM requests WHERE created_at < ?').run(timeMs);
  }
}
