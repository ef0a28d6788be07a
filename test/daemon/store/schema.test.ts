// The database repeats the invariants of shared/run-state.ts, so that no bug can write a run that makes no sense.
import { describe, expect, it } from 'vitest';
import { END_REASONS, hasEnded, PHASES } from '../../../shared/run-state.ts';
import { StoreRig } from './rig.ts';

function set(rig: StoreRig, id: string, columns: Record<string, unknown>): () => unknown {
  const assignments = Object.keys(columns).map((name) => `${name} = @${name}`);
  return () =>
    rig.db.prepare(`UPDATE runs SET ${assignments.join(', ')} WHERE id = @id`).run({ ...columns, id });
}

describe('the checks of a run', () => {
  it.each([
    ['an unknown phase', { phase: 'lost' }],
    ['an end without a time', { phase: 'failed', reason: 'exit' }],
    ['a time of the end without an end', { finished_at: 1 }],
    ['an end without a reason', { phase: 'cancelled', finished_at: 1 }],
    ['an unknown reason', { phase: 'failed', finished_at: 1, reason: 'bored' }],
    ['a reason before the end', { reason: 'exit' }],
    ['running without a start', { phase: 'running' }],
    [
      'success with another code than 0',
      { phase: 'succeeded', finished_at: 1, started_at: 1, reason: 'exit', exit_code: 1 },
    ],
    ['success without a code', { phase: 'succeeded', finished_at: 1, started_at: 1, reason: 'exit' }],
    ['preparing in no boot', { phase: 'preparing' }],
    ['held while it is prepared', { phase: 'preparing', boot_id: 'b', held: 1 }],
    ['a negative count of dependencies', { unmet: -1 }],
    ['a negative count of retries', { retries_left: -1 }],
  ])('refuse %s', (_, columns) => {
    using rig = new StoreRig();
    const run = rig.submit();
    expect(set(rig, run.id, columns)).toThrow(/CHECK constraint failed/);
  });

  it.each(PHASES)('know the phase %s', (phase) => {
    using rig = new StoreRig();
    const run = rig.submit();
    const end = hasEnded(phase) ? { finished_at: 1, reason: 'exit' } : {};
    set(rig, run.id, { phase, started_at: 1, boot_id: 'b', exit_code: 0, ...end })();
    expect(rig.store.mustGet(run.id).phase).toBe(phase);
  });

  it.each(END_REASONS)('know the reason %s', (reason) => {
    using rig = new StoreRig();
    const run = rig.submit();
    set(rig, run.id, { phase: 'failed', finished_at: 1, reason })();
    expect(rig.store.mustGet(run.id).reason).toBe(reason);
  });

  it('refuse a second run of the same id, and a run without its job', () => {
    using rig = new StoreRig();
    const run = rig.submit();
    expect(() => rig.submit({ id: run.id })).toThrow(/UNIQUE/);
    expect(set(rig, run.id, { job_id: 'none' })).toThrow(/FOREIGN KEY/);
  });
});

describe('the indexes', () => {
  const plans = (rig: StoreRig, sql: string) =>
    (rig.db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[])
      .map(({ detail }) => detail)
      .join('\n');

  it('give the next runs in order, without sorting the queue', () => {
    using rig = new StoreRig();
    const plan = plans(
      rig,
      "SELECT runs.*, recipe FROM runs INDEXED BY runs_ready JOIN jobs ON jobs.id = runs.job_id WHERE phase = 'queued' AND held = 0 AND unmet = 0 AND gpus = 0 ORDER BY priority DESC, runs.seq LIMIT 1",
    );
    expect(plan).toContain('runs_ready');
    expect(plan).not.toContain('TEMP B-TREE');
  });

  it.each([
    [
      "SELECT 1 FROM runs WHERE phase IN ('queued', 'preparing', 'running', 'collecting') AND environment = 'x'",
      'runs_by_environment',
    ],
    ["SELECT count(*) FROM runs WHERE phase IN ('preparing', 'running')", 'runs_by_phase'],
    ["SELECT * FROM runs WHERE name = 'x' ORDER BY runs.seq DESC LIMIT 1", 'runs_by_name'],
    ["SELECT * FROM runs WHERE id_reversed >= 'a' AND id_reversed < 'a' || '~'", 'runs_by_suffix'],
    ["SELECT run_id FROM dependencies WHERE needs_id = 'x' AND met = 0", 'dependencies_by_need'],
  ])('serve %s', (sql, index) => {
    using rig = new StoreRig();
    expect(plans(rig, sql)).toMatch(new RegExp(`USING (COVERING )?INDEX ${index}`));
  });

  it('are asked in the words of the queries', () => {
    // A partial index counts only when the query has its condition literally.
    using rig = new StoreRig();
    const sql = rig.db
      .prepare("SELECT group_concat(sql, char(10)) FROM sqlite_master WHERE type = 'index'")
      .pluck()
      .get();
    const unfinished = PHASES.filter((phase) => !hasEnded(phase)).map((phase) => `'${phase}'`);
    expect(sql).toContain(`WHERE phase IN (${unfinished.join(', ')})`);
    expect(sql).toContain("WHERE phase = 'queued' AND held = 0 AND unmet = 0");
  });
});
