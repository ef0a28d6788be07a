// The only writer of a run's state: one method a verb of shared/run-state.ts, one transaction each, a guarded UPDATE
// and an event row. A verb that doesn't fit the run's phase is refused with a sentence and changes nothing.
import type { Database } from 'better-sqlite3';
import { QwexError } from '../../shared/errors.ts';
import { canonicalJson, sha256 } from '../../shared/recipe.ts';
import { type EndReason, refusal, TRANSITIONS, type Verb } from '../../shared/run-state.ts';
import { EventLog } from './event-log.ts';
import { RunQueries, reverse } from './queries.ts';
import { type NewRun, type RunRecord, type RunRow, recordOf } from './record.ts';
import { type Ending, Settlement } from './settlement.ts';

export interface ExitFacts {
  exitCode: number | null;
  reason: EndReason;
  message: string | null;
  startedAt: number | null;
  exitedAt: number;
}

/** Columns that a verb sets, by column name. */
export type Changes = Record<string, string | number | null>;

export class Store {
  readonly events: EventLog;
  readonly runs: RunQueries;
  readonly #db: Database;
  readonly #now: () => number;
  readonly #settlement: Settlement;

  constructor(db: Database, now: () => number = Date.now) {
    this.#db = db;
    this.#now = now;
    this.events = new EventLog(db);
    this.runs = new RunQueries(db);
    this.#settlement = new Settlement(db, {
      now,
      apply: (verb, id, changes) => this.#apply(verb, id, changes),
      insert: (run) => this.#insert(run),
    });
  }

  /** Makes runs, all or none; durable when it returns. The same key again answers with the first call's runs. */
  submit(newRuns: readonly NewRun[], idempotencyKey?: string): RunRecord[] {
    return this.transaction(() => {
      const known = idempotencyKey === undefined ? undefined : this.submittedWith(idempotencyKey);
      if (known) return known;
      const runs = newRuns.map((run) => this.#insert(run));
      if (idempotencyKey !== undefined) {
        this.#db
          .prepare('INSERT INTO requests (key, run_ids, created_at) VALUES (?, ?, ?)')
          .run(idempotencyKey, JSON.stringify(runs.map((run) => run.id)), this.#now());
      }
      // A dependency that had already failed ends its dependents at once, so the rows are read again.
      return runs.map((run) => this.mustGet(run.id));
    });
  }

  /** The runs that a request with this key has made, or undefined. */
  submittedWith(idempotencyKey: string): RunRecord[] | undefined {
    const row = this.#db.prepare('SELECT run_ids FROM requests WHERE key = ?').get(idempotencyKey) as
      | { run_ids: string }
      | undefined;
    return row && (JSON.parse(row.run_ids) as string[]).map((id) => this.mustGet(id));
  }

  hold(id: string): RunRecord {
    return this.transaction(() => this.#apply('hold', id, { held: 1 }));
  }

  release(id: string): RunRecord {
    return this.transaction(() => this.#apply('release', id, { held: 0 }));
  }

  /** The intention to start, written before anything is spawned. */
  claim(id: string, bootId: string): RunRecord {
    return this.transaction(() => {
      const { attempt } = this.mustGet(id);
      return this.#apply('claim', id, { boot_id: bootId, claimed_at: this.#now(), attempt: attempt + 1 });
    });
  }

  /** Back into the queue, at its old place: the attempt certainly never ran. */
  requeue(id: string): RunRecord {
    return this.transaction(() => this.#apply('requeue', id, { claimed_at: null }));
  }

  start(id: string, startedAt: number): RunRecord {
    return this.transaction(() => this.#apply('start', id, { started_at: startedAt }));
  }

  /** The supervisor's record of the end; what was written is kept whatever follows. */
  exit(id: string, facts: ExitFacts): RunRecord {
    return this.transaction(() =>
      this.#apply('exit', id, {
        exit_code: facts.exitCode,
        reason: facts.reason,
        message: facts.message,
        exited_at: facts.exitedAt,
        ...(facts.startedAt !== null && { started_at: facts.startedAt }),
      }),
    );
  }

  /** Records the wish; the exit decides. A second wish changes nothing. */
  requestCancel(id: string): RunRecord {
    return this.transaction(() => {
      const run = this.mustGet(id);
      if (run.cancelRequestedAt !== null && run.finishedAt === null) return run;
      return this.#apply('requestCancel', id, { cancel_requested_at: this.#now() });
    });
  }

  succeed(id: string, ending: Ending): RunRecord {
    return this.#end('succeed', id, ending);
  }

  fail(id: string, ending: Ending): RunRecord {
    return this.#end('fail', id, ending);
  }

  cancel(id: string, ending: Ending): RunRecord {
    return this.#end('cancel', id, ending);
  }

  lose(id: string, ending: Ending): RunRecord {
    return this.#end('lose', id, ending);
  }

  /** Sentences for the reader of the result, kept with the run. Not a transition. */
  addNotes(id: string, notes: readonly string[]): void {
    if (notes.length === 0) return;
    const all = [...new Set([...this.mustGet(id).notes, ...notes])];
    this.#db.prepare('UPDATE runs SET notes = ? WHERE id = ?').run(JSON.stringify(all), id);
  }

  get isPaused(): boolean {
    return this.setting('paused') === 'true';
  }

  setPaused(paused: boolean): void {
    this.transaction(() => {
      if (this.isPaused === paused) return;
      this.putSetting('paused', String(paused));
      this.events.append({ type: paused ? 'queue.paused' : 'queue.resumed', at: this.#now() });
    });
  }

  setting(key: string): string | undefined {
    return this.#db.prepare('SELECT value FROM settings WHERE key = ?').pluck().get(key) as
      | string
      | undefined;
  }

  putSetting(key: string, value: string): void {
    this.#db
      .prepare('INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value')
      .run(key, value);
  }

  /** Removes an ended run from the index; its folder is the caller's. */
  forget(id: string): void {
    this.transaction(() => {
      const { jobId } = this.mustGet(id);
      this.#db.prepare('DELETE FROM runs WHERE id = ? AND finished_at IS NOT NULL').run(id);
      this.#db
        .prepare('DELETE FROM jobs WHERE id = ? AND NOT EXISTS (SELECT 1 FROM runs WHERE job_id = jobs.id)')
        .run(jobId);
    });
  }

  /** Throws `not_found`. */
  mustGet(id: string): RunRecord {
    const run = this.runs.get(id);
    if (!run)
      throw new QwexError({ code: 'not_found', message: `no run has the id ${id}`, hint: 'qwex list' });
    return run;
  }

  /** Runs `work` in one transaction (joining an open one) and publishes its events after the commit. */
  transaction<T>(work: () => T): T {
    if (this.#db.inTransaction) return work();
    let result: T;
    try {
      result = this.#db.transaction(work).immediate();
    } catch (error) {
      this.events.forget();
      throw error;
    }
    this.events.publish();
    return result;
  }

  close(): void {
    if (this.#db.open) this.#db.close();
  }

  #end(verb: 'succeed' | 'fail' | 'cancel' | 'lose', id: string, ending: Ending): RunRecord {
    return this.transaction(() => {
      const run = this.#apply(verb, id, {
        finished_at: this.#now(),
        reason: ending.reason,
        held: 0,
        ...(ending.message !== undefined && { message: ending.message }),
        ...(ending.artifacts && {
          artifact_count: ending.artifacts.count,
          artifact_bytes: ending.artifacts.bytes,
        }),
      });
      this.#settlement.settle(run);
      return this.mustGet(id);
    });
  }

  #apply(verb: Verb, id: string, changes: Changes): RunRecord {
    const { from, to, event } = TRANSITIONS[verb];
    const columns = to === 'same' ? changes : { phase: to, ...changes };
    const assignments = Object.keys(columns).map((column) => `${column} = @${column}`);
    const row = this.#db
      .prepare(
        `UPDATE runs SET ${assignments.join(', ')} WHERE id = @id AND phase IN (${from.map((phase) => `'${phase}'`).join(', ')})
         RETURNING *, (SELECT recipe FROM jobs WHERE jobs.id = job_id) AS recipe`,
      )
      .get({ ...columns, id }) as RunRow | undefined;
    if (!row) throw new QwexError({ code: 'conflict', message: refusal(verb, id, this.mustGet(id).phase) });
    const run = recordOf(row);
    this.events.append({ type: `run.${event}`, at: this.#now(), run });
    return run;
  }

  #insert(run: NewRun): RunRecord {
    const sources = sha256(run.sources);
    this.#db.prepare('INSERT INTO texts VALUES (?, ?) ON CONFLICT DO NOTHING').run(sources, run.sources);
    this.#db
      .prepare(
        'INSERT INTO jobs (id, workspace, commit_sha, recipe, script, sources) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
      )
      .run(
        run.jobId,
        run.recipe.workspace,
        run.recipe.commit,
        canonicalJson(run.recipe),
        run.script,
        sources,
      );
    this.#db
      .prepare(
        `INSERT INTO runs (id, id_reversed, job_id, name, root, common_dir, environment, umask, phase, held, priority, retries_left, created_at, notes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?)`,
      )
      .run(
        run.id,
        reverse(run.id),
        run.jobId,
        run.name,
        run.root,
        run.commonDir,
        run.environment,
        run.umask,
        run.held ? 1 : 0,
        run.priority,
        run.retries,
        this.#now(),
        JSON.stringify(run.notes),
      );
    const record = this.mustGet(run.id);
    this.events.append({ type: 'run.submitted', at: this.#now(), run: record });
    this.#settlement.link(run.id, run.after);
    return record;
  }
}
