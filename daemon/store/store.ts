// The only writer of a run's state: one method a verb of shared/run-state.ts, one transaction each, a guarded UPDATE
// and an event row. A verb that doesn't fit the run's phase is refused with a sentence and changes nothing.
import type { Database } from 'better-sqlite3';
import { QwexError } from '../../shared/errors.ts';
import { type EndReason, refusal, TRANSITIONS, type Verb } from '../../shared/run-state.ts';
import { worded } from './database.ts';
import { Durability, type Durable } from './durability.ts';
import { EventLog } from './event-log.ts';
import { forgetRun } from './forget.ts';
import { GroupCommit } from './group-commit.ts';
import { insertJob, insertQueuedRun } from './insert.ts';
import { RunQueries } from './queries.ts';
import { type NewRun, type RestoredRun, type RunRecord, type RunRow, recordOf } from './record.ts';
import { RequestKeys } from './requests.ts';
import { Restoration } from './restore.ts';
import { type Ending, Settlement } from './settlement.ts';
import { Statements } from './statements.ts';

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
  readonly requests: RequestKeys;
  readonly #db: Database;
  readonly #statements: Statements;
  readonly #now: () => number;
  readonly #settlement: Settlement;
  #beforeCommit: () => void = () => undefined;
  readonly #durability: Durability;
  readonly #restoration: Restoration;
  readonly #submissions = new GroupCommit((work) => this.transaction(work));

  constructor(db: Database, now: () => number = Date.now) {
    this.#db = db;
    this.#durability = new Durability(db);
    this.#now = now;
    const statements = new Statements(db);
    this.#statements = statements;
    this.events = new EventLog(db);
    this.runs = new RunQueries(statements);
    this.requests = new RequestKeys(statements);
    this.#settlement = new Settlement(statements, {
      now,
      apply: (verb, id, changes) => this.#apply(verb, id, changes),
      insert: (run) => this.#insert(run),
    });
    this.#restoration = new Restoration(statements, this.#settlement);
  }

  /** `submit`, committed together with what other requests bring at the same time. */
  submitWithOthers(newRuns: readonly NewRun[], idempotencyKey?: string): Promise<RunRecord[]> {
    return this.#submissions.join(() => this.submit(newRuns, idempotencyKey));
  }

  /** Makes runs, all or none; durable when it returns. The same key again answers with the first call's runs. */
  submit(newRuns: readonly NewRun[], idempotencyKey?: string): RunRecord[] {
    return this.transaction(() => {
      const known = idempotencyKey === undefined ? undefined : this.submittedWith(idempotencyKey);
      if (known) return known;
      for (const run of newRuns) this.#insert(run);
      const ids = newRuns.map((run) => run.id);
      if (idempotencyKey !== undefined) this.requests.remember(idempotencyKey, ids, this.#now());
      // Read when all is done: a dependency that had already failed has ended its dependents at once.
      return ids.map((id) => this.mustGet(id));
    });
  }

  /** The runs that a request with this key has made, or undefined. Throws `not_found` when they have been removed. */
  submittedWith(idempotencyKey: string): RunRecord[] | undefined {
    return this.requests.find(idempotencyKey)?.map((id) => this.mustGet(id));
  }

  /** Held again: nothing changes. */
  hold(id: string): RunRecord {
    return this.transaction(() => {
      const run = this.mustGet(id);
      return run.held ? run : this.#apply('hold', id, { held: 1 });
    });
  }

  /** Of a queued run that isn't held, nothing changes. */
  release(id: string): RunRecord {
    return this.transaction(() => {
      const run = this.mustGet(id);
      return run.phase === 'queued' && !run.held ? run : this.#apply('release', id, { held: 0 });
    });
  }

  /** The intention to start, written before anything is spawned. Only of a run that waits for nothing but its turn. */
  claim(id: string, bootId: string): RunRecord {
    return this.transaction(() => {
      const { attempt, phase, held, unmet } = this.mustGet(id);
      if (phase === 'queued' && (held || unmet > 0)) {
        const why = held ? 'is held' : 'waits for another run';
        throw new QwexError({ code: 'conflict', message: `cannot claim run ${id}: it ${why}` });
      }
      return this.#apply('claim', id, { boot_id: bootId, claimed_at: this.#now(), attempt: attempt + 1 });
    });
  }

  /** Back into the queue, at its old place: the attempt certainly never ran. */
  requeue(id: string): RunRecord {
    return this.transaction(() => this.#apply('requeue', id, { claimed_at: null }));
  }

  /** `devices`: names of those that it holds. */
  start(id: string, startedAt: number, devices: readonly string[] = []): RunRecord {
    const changes = { started_at: startedAt, devices: JSON.stringify(devices) };
    return this.transaction(() => this.#apply('start', id, changes), 'with the next');
  }

  /** The supervisor's record of the end; what was written is kept whatever follows. */
  exit(id: string, facts: ExitFacts): RunRecord {
    const changes = {
      exit_code: facts.exitCode,
      reason: facts.reason,
      message: facts.message,
      exited_at: facts.exitedAt,
      ...(facts.startedAt !== null && { started_at: facts.startedAt }),
    };
    return this.transaction(() => this.#apply('exit', id, changes), 'with the next');
  }

  /** Records the wish; the exit decides. A second wish changes nothing. */
  requestCancel(id: string): RunRecord {
    return this.transaction(() => {
      const run = this.mustGet(id);
      const isUnderWay = run.phase === 'preparing' || run.phase === 'running' || run.phase === 'collecting';
      if (run.cancelRequestedAt !== null && isUnderWay) return run;
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
    this.#statements.prepare('UPDATE runs SET notes = ? WHERE id = ?').run(JSON.stringify(all), id);
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
    return this.#statements.prepare('SELECT value FROM settings WHERE key = ?').pluck().get(key) as
      | string
      | undefined;
  }

  putSetting(key: string, value: string): void {
    this.#statements
      .prepare('INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value')
      .run(key, value);
  }

  /** Removes an ended run from the index, and its job with its last run; the folder is the caller's. */
  forget(id: string): void {
    this.transaction(() => forgetRun(this.#statements, this.mustGet(id)));
  }

  /** False for a new database until the runs that folders know of are in it: see `restore`. */
  get isIndexed(): boolean {
    return this.setting('indexed') === 'true';
  }

  /** Puts back runs that a lost index had. Those that are there already stay as they are. Returns how many were new. */
  restore(found: readonly RestoredRun[]): number {
    return this.transaction(() => this.#restoration.add(found));
  }

  /** After the last `restore`: ties the runs to each other, and counts the index as whole from now on. */
  finishRestore(): void {
    this.transaction(() => {
      this.#restoration.finish();
      this.putSetting('indexed', 'true');
    });
  }

  /** Throws `not_found`. */
  mustGet(id: string): RunRecord {
    const run = this.runs.get(id);
    if (!run)
      throw new QwexError({ code: 'not_found', message: `no run has the id ${id}`, hint: 'qwex list' });
    return run;
  }

  /** What a job was compiled to, and from (JSON). */
  mustGetScript(jobId: string): { script: string; sources: string } {
    const found = this.runs.script(jobId);
    if (!found) throw new TypeError(`no job has the id ${jobId}`);
    return found;
  }

  /** Runs `work` in one transaction (joining an open one) and publishes its events after the commit. */
  transaction<T>(work: () => T, durable: Durable = 'at once'): T {
    if (this.#db.inTransaction) return work();
    let result: T;
    try {
      this.#durability.of(durable);
      result = this.#db
        .transaction(() => {
          const done = work();
          this.#beforeCommit();
          return done;
        })
        .immediate();
    } catch (error) {
      this.events.forget();
      throw worded(error, this.#db.name);
    }
    this.events.publish();
    return result;
  }

  /** Has something written along with every commit. */
  beforeCommit(write: () => void): void {
    this.#beforeCommit = write;
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
    const row = this.#statements
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

  #insert(run: NewRun): void {
    insertJob(this.#statements, run);
    insertQueuedRun(this.#statements, run, this.#now());
    const queued = { id: run.id, phase: 'queued', reason: null, exitCode: null } as const;
    this.events.append({ type: 'run.submitted', at: this.#now(), run: queued });
    this.#settlement.link(run.id, run.after);
  }
}
