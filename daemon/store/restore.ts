// Puts runs back that a lost index had and their folders still have. Batch by batch, each a transaction; the index
// counts as whole only after the last step, so a crash in between begins anew and finds what is there already.

import type { Dependency } from '../../shared/schemas/run.ts';
import { insertFormerRun, insertJob } from './insert.ts';
import type { RestoredRun } from './record.ts';
import type { Settlement } from './settlement.ts';
import type { Preparer } from './statements.ts';

interface Unmet extends Dependency {
  runId: string;
  isMissing: boolean;
}

export class Restoration {
  readonly #db: Preparer;
  readonly #settlement: Settlement;

  constructor(db: Preparer, settlement: Settlement) {
    this.#db = db;
    this.#settlement = settlement;
  }

  /** Inside a transaction. A run that is there already stays as it is. Returns how many were put back. */
  add(found: readonly RestoredRun[]): number {
    const isKnown = this.#db.prepare('SELECT 1 FROM runs WHERE id = ?');
    const isSeqTaken = this.#db.prepare('SELECT 1 FROM runs WHERE seq = ?');
    let added = 0;
    let lastEventSeq = 0;
    for (const { run, after, script, sources, ...rest } of found) {
      lastEventSeq = Math.max(lastEventSeq, rest.lastEventSeq);
      if (isKnown.get(run.id)) continue;
      insertJob(this.#db, { jobId: run.jobId, recipe: run.recipe, script, sources });
      insertFormerRun(this.#db, run, isSeqTaken.get(run.seq) ? null : run.seq);
      for (const { id, policy, met } of after) {
        // What a run that has left the queue waited for is history, whatever the folder says of it.
        const counts = run.phase === 'queued' && !met;
        this.#db
          .prepare('INSERT OR IGNORE INTO dependencies (run_id, needs_id, policy, met) VALUES (?, ?, ?, ?)')
          .run(run.id, id, policy, counts ? 0 : 1);
      }
      added += 1;
    }
    this.#continueEventsAfter(lastEventSeq);
    return added;
  }

  /** Inside a transaction, once all runs are there: ties retries and dependencies to each other again. */
  finish(): void {
    this.#tieRetries();
    const byRun = Map.groupBy(this.#unmet(), ({ runId }) => runId);
    this.#db
      .prepare(
        "DELETE FROM dependencies WHERE met = 0 AND run_id IN (SELECT id FROM runs WHERE phase = 'queued')",
      )
      .run();
    this.#db.prepare("UPDATE runs SET unmet = 0 WHERE phase = 'queued'").run();
    for (const [id, needs] of byRun) {
      const missing = needs.find(({ isMissing }) => isMissing);
      if (missing) this.#settlement.failForMissing(id, missing.id);
      else this.#settlement.link(id, needs);
    }
  }

  /** From the younger run's word alone: the older one's record may be from before its retry was made. */
  #tieRetries(): void {
    this.#db.prepare('UPDATE runs SET retried_by = NULL WHERE retried_by IS NOT NULL').run();
    // Only an older run can have been retried: no chain made of damaged records can run in a circle.
    this.#db
      .prepare(
        `UPDATE runs SET retried_by = retry.id FROM runs AS retry
         WHERE retry.retry_of = runs.id AND retry.seq > runs.seq`,
      )
      .run();
  }

  #unmet(): Unmet[] {
    const rows = this.#db
      .prepare(
        `SELECT run_id AS runId, needs_id AS id, policy, needs_id NOT IN (SELECT id FROM runs) AS isMissing
         FROM dependencies JOIN runs ON runs.id = run_id WHERE met = 0 AND phase = 'queued' ORDER BY runs.seq`,
      )
      .all() as (Omit<Unmet, 'isMissing'> & { isMissing: number })[];
    return rows.map((row) => ({ ...row, isMissing: row.isMissing === 1 }));
  }

  /** Readers hold places in the sequence of events: a new event must not be numbered like one that they know. */
  #continueEventsAfter(seq: number): void {
    const { changes } = this.#db
      .prepare("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'events'")
      .run(seq);
    if (changes === 0)
      this.#db.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)").run(seq);
  }
}
