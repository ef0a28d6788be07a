// What the end of one run means for others, inside the same transaction: the retry of a failed run, and the runs that
// waited for it.
import type { Database } from 'better-sqlite3';
import { v7 as uuidv7 } from 'uuid';
import type { EndReason, Verb } from '../../shared/run-state.ts';
import { hasEnded } from '../../shared/run-state.ts';
import type { Dependency } from '../../shared/schemas/run.ts';
import type { NewRun, RunRecord } from './record.ts';
import type { Changes } from './store.ts';

export interface Ending {
  reason: EndReason;
  message?: string | null;
  artifacts?: { count: number; bytes: number };
}

interface Writer {
  now(): number;
  apply(verb: Verb, id: string, changes: Changes): RunRecord;
  insert(run: NewRun): RunRecord;
}

interface Dependent {
  run_id: string;
  policy: Dependency['policy'];
}

export class Settlement {
  readonly #db: Database;
  readonly #writer: Writer;

  constructor(db: Database, writer: Writer) {
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

  /** Makes a new run wait for others. One that has ended already counts at once. */
  link(id: string, after: readonly Dependency[]): void {
    for (const { id: needs, policy } of after) {
      this.#db
        .prepare('INSERT INTO dependencies (run_id, needs_id, policy) VALUES (?, ?, ?)')
        .run(id, needs, policy);
      this.#db.prepare('UPDATE runs SET unmet = unmet + 1 WHERE id = ?').run(id);
    }
    for (const { id: needs, policy } of after) {
      const row = this.#db.prepare('SELECT id, phase FROM runs WHERE id = ?').get(needs) as Pick<
        RunRecord,
        'id' | 'phase'
      >;
      if (hasEnded(row.phase) && this.#isQueued(id)) {
        const failed = this.#resolve(row, { run_id: id, policy });
        if (failed) this.settle(failed);
      }
    }
  }

  #retry(ended: RunRecord): boolean {
    const triedAndFailed = ended.phase === 'failed' && (ended.reason === 'exit' || ended.reason === 'signal');
    if (!triedAndFailed || ended.retriesLeft === 0) return false;
    const job = this.#db
      .prepare(
        'SELECT script, texts.content AS sources FROM jobs JOIN texts ON texts.sha256 = jobs.sources WHERE jobs.id = ?',
      )
      .get(ended.jobId) as { script: string; sources: string };
    const retry = this.#writer.insert({
      ...job,
      id: uuidv7(),
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
      notes: ended.notes,
    });
    this.#db.prepare('UPDATE runs SET retry_of = ? WHERE id = ?').run(ended.id, retry.id);
    this.#db.prepare('UPDATE runs SET retried_by = ? WHERE id = ?').run(retry.id, ended.id);
    this.#db
      .prepare('UPDATE dependencies SET needs_id = ? WHERE needs_id = ? AND met = 0')
      .run(retry.id, ended.id);
    return true;
  }

  #dependents(id: string): Dependent[] {
    return this.#db
      .prepare('SELECT run_id, policy FROM dependencies WHERE needs_id = ? AND met = 0')
      .all(id) as Dependent[];
  }

  /** Counts a dependency as met, or ends the run that can't start any more and returns it. */
  #resolve(needed: Pick<RunRecord, 'id' | 'phase'>, dependent: Dependent): RunRecord | undefined {
    if (!this.#isQueued(dependent.run_id)) return undefined;
    if (needed.phase === 'succeeded' || dependent.policy === 'any') {
      this.#db
        .prepare('UPDATE dependencies SET met = 1 WHERE run_id = ? AND needs_id = ?')
        .run(dependent.run_id, needed.id);
      this.#db.prepare('UPDATE runs SET unmet = unmet - 1 WHERE id = ?').run(dependent.run_id);
      return undefined;
    }
    const verdict = needed.phase === 'cancelled' ? 'was cancelled' : 'failed';
    return this.#writer.apply('fail', dependent.run_id, {
      finished_at: this.#writer.now(),
      reason: 'dependency',
      message: `it was to run after ${needed.id}, which ${verdict}`,
      held: 0,
    });
  }

  #isQueued(id: string): boolean {
    return this.#db.prepare("SELECT 1 FROM runs WHERE id = ? AND phase = 'queued'").get(id) !== undefined;
  }
}
