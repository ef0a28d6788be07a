// Reads of the index. Nothing here writes.
import type { Statement } from 'better-sqlite3';
import {
  hasEnded,
  OCCUPYING_PHASES,
  PHASES,
  type Phase,
  STATUSES,
  type Status,
  statusOf,
} from '../../shared/run-state.ts';
import type { Dependency } from '../../shared/schemas/run.ts';
import { type RunRecord, type RunRow, recordOf } from './record.ts';
import type { Preparer } from './statements.ts';

export interface RunFilter {
  status?: Status | undefined;
  workspace?: string | undefined;
  name?: string | undefined;
  sinceMs?: number | undefined;
  /** Only runs submitted before this one's `seq`. */
  beforeSeq?: number | undefined;
  limit: number;
}

const COLUMNS = 'SELECT runs.*, jobs.recipe';
const SELECT = `${COLUMNS} FROM runs JOIN jobs ON jobs.id = runs.job_id`;
const OCCUPYING = quoted(OCCUPYING_PHASES);
/** Spelt as in the partial indexes, or SQLite doesn't use them; a test compares. */
const UNFINISHED = `phase IN (${quoted(PHASES.filter((phase) => !hasEnded(phase)))})`;
const READY = "phase = 'queued' AND held = 0 AND unmet = 0 AND gpus = 0";
const READY_FOR_DEVICES = "phase = 'queued' AND held = 0 AND unmet = 0 AND gpus > 0";
/** Told to SQLite, which would rather find all queued runs and sort them; it refuses when the index doesn't fit. */
const RUNS_IN_TURN = 'runs INDEXED BY runs_ready';

export class RunQueries {
  readonly #db: Preparer;
  readonly #byId: Statement;
  readonly #ready: Statement;
  readonly #readyForDevices: Statement;
  readonly #countOccupying: Statement;
  readonly #ahead: Statement;
  readonly #dependencies: Statement;

  constructor(db: Preparer) {
    this.#db = db;
    this.#byId = db.prepare(`${SELECT} WHERE runs.id = ?`);
    this.#ready = db.prepare(
      `${COLUMNS} FROM ${RUNS_IN_TURN} JOIN jobs ON jobs.id = runs.job_id
       WHERE ${READY} ORDER BY priority DESC, runs.seq LIMIT ?`,
    );
    this.#readyForDevices = db.prepare(
      `${COLUMNS} FROM runs INDEXED BY runs_ready_for_devices JOIN jobs ON jobs.id = runs.job_id
       WHERE ${READY_FOR_DEVICES} ORDER BY priority DESC, runs.seq LIMIT ?`,
    );
    this.#countOccupying = db
      .prepare(`SELECT count(*) FROM runs WHERE phase IN (${OCCUPYING}) AND gpus = 0`)
      .pluck();
    this.#ahead = db
      .prepare(
        `SELECT count(*) FROM ${RUNS_IN_TURN} WHERE ${READY} AND (priority > @priority OR (priority = @priority AND seq < @seq))`,
      )
      .pluck();
    this.#dependencies = db.prepare(
      'SELECT needs_id AS id, policy, met FROM dependencies WHERE run_id = ? ORDER BY needs_id',
    );
  }

  get(id: string): RunRecord | undefined {
    const row = this.#byId.get(id) as RunRow | undefined;
    return row && recordOf(row);
  }

  /** Of all runs. */
  ids(): string[] {
    return this.#db.prepare('SELECT id FROM runs').pluck().all() as string[];
  }

  /** Newest first. */
  list(filter: RunFilter): RunRecord[] {
    const where: string[] = [];
    const values: Record<string, unknown> = { limit: filter.limit };
    if (filter.status !== undefined) where.push(`phase IN (${phasesOf(filter.status)})`);
    if (filter.workspace !== undefined) where.push('jobs.workspace = @workspace');
    if (filter.name !== undefined) where.push('name = @name');
    if (filter.sinceMs !== undefined) where.push('created_at >= @sinceMs');
    if (filter.beforeSeq !== undefined) where.push('runs.seq < @beforeSeq');
    Object.assign(values, definedOf(filter));
    const condition = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    const rows = this.#db.prepare(`${SELECT} ${condition} ORDER BY runs.seq DESC LIMIT @limit`).all(values);
    return (rows as RunRow[]).map(recordOf);
  }

  /** The first runs without devices that only wait for a slot, in the order of the queue. */
  ready(limit: number): RunRecord[] {
    return (this.#ready.all(limit) as RunRow[]).map(recordOf);
  }

  /** The first runs that only wait for devices, in the order in which their owner wants them. */
  readyForDevices(limit: number): RunRecord[] {
    return (this.#readyForDevices.all(limit) as RunRow[]).map(recordOf);
  }

  /** Runs that have not ended, oldest first. */
  unfinished(): RunRecord[] {
    return this.#some(`WHERE ${UNFINISHED} ORDER BY runs.seq`);
  }

  /** Slots that are taken: runs with devices take none. */
  countOccupying(): number {
    return this.#countOccupying.get() as number;
  }

  /** How many runs that wait for a slot come before this one. */
  countAhead(run: RunRecord): number {
    return this.#ahead.get({ priority: run.priority, seq: run.seq }) as number;
  }

  /** Ids of all runs that wait for a slot with their places in the queue, from 0: one pass instead of a count for each. */
  places(): Map<string, number> {
    const ids = this.#db
      .prepare(`SELECT id FROM ${RUNS_IN_TURN} WHERE ${READY} ORDER BY priority DESC, seq`)
      .pluck()
      .all();
    return new Map((ids as string[]).map((id, index) => [id, index]));
  }

  dependencies(id: string): (Dependency & { met: boolean })[] {
    const rows = this.#dependencies.all(id) as (Dependency & { met: number })[];
    return rows.map((row) => ({ ...row, met: row.met === 1 }));
  }

  countByStatus(): Record<Status, number> {
    const counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>;
    const rows = this.#db.prepare('SELECT phase, count(*) AS n FROM runs GROUP BY phase').all();
    for (const { phase, n } of rows as { phase: Phase; n: number }[]) counts[statusOf(phase)] += n;
    return counts;
  }

  /** The `n`th newest run, 0 for the latest. */
  nthLatest(n: number): RunRecord | undefined {
    return this.#some('ORDER BY runs.seq DESC LIMIT 1 OFFSET ?', n)[0];
  }

  /** The newest run with a name. */
  latestNamed(name: string): RunRecord | undefined {
    return this.#some('WHERE name = ? ORDER BY runs.seq DESC LIMIT 1', name)[0];
  }

  /** At most `limit` runs whose id begins (or ends) with a text of hex digits and dashes. */
  withPrefix(prefix: string, limit: number): RunRecord[] {
    const where = "WHERE runs.id >= @prefix AND runs.id < @prefix || '~'";
    return this.#some(`${where} ORDER BY runs.seq DESC LIMIT @limit`, { prefix, limit });
  }

  withSuffix(suffix: string, limit: number): RunRecord[] {
    const where = "WHERE id_reversed >= @reversed AND id_reversed < @reversed || '~'";
    return this.#some(`${where} ORDER BY runs.seq DESC LIMIT @limit`, { reversed: reverse(suffix), limit });
  }

  /** The job's script and the texts it was compiled from (JSON). */
  script(jobId: string): { script: string; sources: string } | undefined {
    return this.#db
      .prepare(
        'SELECT script, texts.content AS sources FROM jobs JOIN texts ON texts.sha256 = jobs.sources WHERE jobs.id = ?',
      )
      .get(jobId) as { script: string; sources: string } | undefined;
  }

  /** Whether an unfinished run still needs a file of `env/`. */
  usesEnvironment(environment: string): boolean {
    return (
      this.#db
        .prepare(`SELECT 1 FROM runs WHERE ${UNFINISHED} AND environment = ? LIMIT 1`)
        .get(environment) !== undefined
    );
  }

  /** The repositories that runs are made from, each with a working tree of it. */
  repositories(): { commonDir: string; root: string }[] {
    return this.#db
      .prepare('SELECT common_dir AS commonDir, max(root) AS root FROM runs GROUP BY common_dir')
      .all() as { commonDir: string; root: string }[];
  }

  /** The commits of a repository that runs are made from, some runs not counted. */
  commitsOf(commonDir: string, except: ReadonlySet<string>): Set<string> {
    const rows = this.#db
      .prepare(
        'SELECT runs.id, jobs.commit_sha FROM runs JOIN jobs ON jobs.id = runs.job_id WHERE common_dir = ?',
      )
      .all(commonDir) as { id: string; commit_sha: string }[];
    return new Set(rows.filter(({ id }) => !except.has(id)).map((row) => row.commit_sha));
  }

  /** Ended runs that finished before a time, oldest first. */
  endedBefore(timeMs: number): RunRecord[] {
    return this.#some('WHERE finished_at < ? ORDER BY runs.seq', timeMs);
  }

  #some(tail: string, ...values: unknown[]): RunRecord[] {
    return (this.#db.prepare(`${SELECT} ${tail}`).all(...values) as RunRow[]).map(recordOf);
  }
}

export function reverse(text: string): string {
  return [...text].reverse().join('');
}

function phasesOf(status: Status): string {
  return quoted(PHASES.filter((phase) => statusOf(phase) === status));
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(', ');
}

function definedOf(filter: RunFilter): Record<string, unknown> {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}
