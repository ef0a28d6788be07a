// What the end of one run means for others, inside the same transaction: the retry of a failed run, and the runs that
// waited for it.

import { v7 as uuidv7 } from 'uuid';
import { QwexError } from '../../shared/errors.ts';
import type { EndReason, Phase, Verb } from '../../shared/run-state.ts';
import { hasEnded } from '../../shared/run-state.ts';
import type { Dependency } from '../../shared/schemas/run.ts';
import type { NewRun, RunRecord } from './record.ts';
import type { Preparer } from './statements.ts';
import type { Changes } from './store.ts';

export interface Ending {
  reason: EndReason;
  message?: string | null;
  artifacts?: { count: number; bytes: number };
}

interface Writer {
  now(): number;
  apply(verb: Verb, id: string, changes: Changes): RunRecord;
  insert(run: NewRun): void;
}

interface Dependent {
  run_id: string;
  policy: Dependency['policy'];
}

interface Needed {
  id: string;
  phase: Phase;
}

export class Settlement {
  readonly #db: Preparer;
  readonly #writer: Writer;

  constructor(db: Preparer, writer: Writer) {
    this.#db = db;
    this.#writer = writer;
  }

  /** Retries the run if it has tries left, else tells everything that waited for it. */
  settle(ended: RunRecord): void {
    if (this.#retry(ended)) return;
    const unsettled = [ended];
    for (let run = unsettled.pop(); run; run = unsettled.pop()) {
      for (const dependent of this.#dependents(run.id)) {
        const failed = this.#resolve(run, dependent);
        if (failed) unsettled.push(failed);
      }
    }
  }

  /**
   * Makes a queued run wait for others: for their newest tries, as they are in this transaction. One that has ended
   * counts at once. Throws `not_found` for one that is no more.
   */
  link(id: string, after: readonly Dependency[]): void {
    const needs = new Map<string, { needed: Needed; policy: Dependency['policy'] }>();
    for (const { id: needsId, policy } of after) {
      const needed = this.#newestTry(needsId);
      const asked = needs.get(needed.id)?.policy;
      needs.set(needed.id, { needed, policy: asked === 'success' ? asked : policy });
    }
    for (const { needed, policy } of needs.values()) {
      this.#db
        .prepare('INSERT INTO dependencies (run_id, needs_id, policy) VALUES (?, ?, ?)')
        .run(id, needed.id, policy);
    }
    this.#db.prepare('UPDATE runs SET unmet = unmet + ? WHERE id = ?').run(needs.size, id);
    for (const { needed, policy } of needs.values()) {
      if (!hasEnded(needed.phase)) continue;
      const failed = this.#resolve(needed, { run_id: id, policy });
      if (failed) this.settle(failed);
    }
  }

  /** Ends a queued run that waits for one of which nothing is known any more, and what waited for it. */
  failForMissing(id: string, missing: string): void {
    if (!this.#isQueued(id)) return;
    this.settle(
      this.#failDependent(id, `it was to run after ${missing}, of which there is no record any more`),
    );
  }

  /** True when another try stands for this run now. */
  #retry(ended: RunRecord): boolean {
    if (ended.retriedBy !== null) return true;
    const triedAndFailed = ended.phase === 'failed' && (ended.reason === 'exit' || ended.reason === 'signal');
    if (!triedAndFailed || ended.retriesLeft === 0) return false;
    const retryId = uuidv7();
    this.#writer.insert({
      ...this.#origin(ended.jobId),
      id: retryId,
      recipe: ended.recipe,
      jobId: ended.jobId,
      root: ended.root,
      commonDir: ended.commonDir,
      environment: ended.environment,
      umask: ended.umask,
      name: ended.name,
      priority: ended.priority,
      held: false,
      retries: ended.retriesLeft - 1,
      after: [],
      notes: ended.notes.slice(0, ended.givenNotes),
    });
    this.#db.prepare('UPDATE runs SET retry_of = ? WHERE id = ?').run(ended.id, retryId);
    this.#db.prepare('UPDATE runs SET retried_by = ? WHERE id = ?').run(retryId, ended.id);
    this.#db
      .prepare('UPDATE dependencies SET needs_id = ? WHERE needs_id = ? AND met = 0')
      .run(retryId, ended.id);
    return true;
  }

  #origin(jobId: string): { script: string; sources: string } {
    return this.#db
      .prepare(
        'SELECT script, texts.content AS sources FROM jobs JOIN texts ON texts.sha256 = jobs.sources WHERE jobs.id = ?',
      )
      .get(jobId) as { script: string; sources: string };
  }

  #newestTry(id: string): Needed {
    const find = this.#db.prepare('SELECT id, phase, retried_by FROM runs WHERE id = ?');
    let row = find.get(id) as (Needed & { retried_by: string | null }) | undefined;
    if (!row) {
      throw new QwexError({
        code: 'not_found',
        message: `cannot run after ${id}: there is no such run any more`,
        hint: 'qwex list shows what there is',
      });
    }
    for (let next: typeof row | undefined = row; next; ) {
      row = next;
      next = row.retried_by === null ? undefined : (find.get(row.retried_by) as typeof row | undefined);
    }
    return row;
  }

  #dependents(id: string): Dependent[] {
    return this.#db
      .prepare('SELECT run_id, policy FROM dependencies WHERE needs_id = ? AND met = 0')
      .all(id) as Dependent[];
  }

  /** Counts a dependency as met, or ends the run that can't start any more and returns it. */
  #resolve(needed: Needed, dependent: Dependent): RunRecord | undefined {
    if (!this.#isQueued(dependent.run_id)) return undefined;
    if (needed.phase === 'succeeded' || dependent.policy === 'any') {
      this.#db
        .prepare('UPDATE dependencies SET met = 1 WHERE run_id = ? AND needs_id = ?')
        .run(dependent.run_id, needed.id);
      this.#db.prepare('UPDATE runs SET unmet = unmet - 1 WHERE id = ?').run(dependent.run_id);
      return undefined;
    }
    const verdict = needed.phase === 'cancelled' ? 'was cancelled' : 'failed';
    return this.#failDependent(dependent.run_id, `it was to run after ${needed.id}, which ${verdict}`);
  }

  #failDependent(id: string, message: string): RunRecord {
    const finishedAt = this.#writer.now();
    return this.#writer.apply('fail', id, {
      finished_at: finishedAt,
      reason: 'dependency',
      message,
      held: 0,
    });
  }

  #isQueued(id: string): boolean {
    return this.#db.prepare("SELECT 1 FROM runs WHERE id = ? AND phase = 'queued'").get(id) !== undefined;
  }
}
