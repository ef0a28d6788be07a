// How a job and a run become rows. Only the store and the restoration of a lost index call this, inside a transaction.

import { canonicalJson, sha256 } from '../../shared/recipe.ts';
import { reverse } from './queries.ts';
import type { NewRun, RunRecord } from './record.ts';
import type { Preparer } from './statements.ts';

/** Keeps the job and its sources, unless they are there already: a job's id is the hash of its content. */
export function insertJob(
  db: Preparer,
  { jobId, recipe, script, sources }: Pick<NewRun, 'jobId' | 'recipe' | 'script' | 'sources'>,
): void {
  const hash = sha256(sources);
  db.prepare('INSERT INTO texts (sha256, content) VALUES (?, ?) ON CONFLICT DO NOTHING').run(hash, sources);
  db.prepare(
    'INSERT INTO jobs (id, workspace, commit_sha, recipe, script, sources) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  ).run(jobId, recipe.workspace, recipe.commit, canonicalJson(recipe), script, hash);
}

export function insertQueuedRun(db: Preparer, run: NewRun, nowMs: number): void {
  insertRow(db, {
    ...identityOf(run),
    phase: 'queued',
    held: run.held ? 1 : 0,
    priority: run.priority,
    retries_left: run.retries,
    created_at: nowMs,
    notes: JSON.stringify(run.notes),
    given_notes: run.notes.length,
  });
}

/** A run as it was. `seq` null: the next free one. Its dependencies are counted by the caller. */
export function insertFormerRun(db: Preparer, run: RunRecord, seq: number | null): void {
  insertRow(db, {
    ...identityOf(run),
    seq,
    phase: run.phase,
    held: run.held ? 1 : 0,
    unmet: 0,
    priority: run.priority,
    retries_left: run.retriesLeft,
    retry_of: run.retryOf,
    attempt: run.attempt,
    boot_id: run.bootId,
    created_at: run.createdAt,
    claimed_at: run.claimedAt,
    started_at: run.startedAt,
    exited_at: run.exitedAt,
    finished_at: run.finishedAt,
    cancel_requested_at: run.cancelRequestedAt,
    exit_code: run.exitCode,
    reason: run.reason,
    message: run.message,
    devices: JSON.stringify(run.devices),
    notes: JSON.stringify(run.notes),
    given_notes: run.givenNotes,
    artifact_count: run.artifactCount,
    artifact_bytes: run.artifactBytes,
  });
}

function identityOf(run: NewRun | RunRecord): Record<string, string | number | null> {
  return {
    id: run.id,
    id_reversed: reverse(run.id),
    job_id: run.jobId,
    name: run.name,
    root: run.root,
    common_dir: run.commonDir,
    environment: run.environment,
    umask: run.umask,
    gpus: run.recipe.resources.gpus,
  };
}

function insertRow(db: Preparer, columns: Record<string, string | number | null>): void {
  const names = Object.keys(columns);
  const values = names.map((name) => `@${name}`);
  db.prepare(`INSERT INTO runs (${names.join(', ')}) VALUES (${values.join(', ')})`).run(columns);
}
