// A run as the daemon sees it: the row, its job's recipe, and nothing of how SQLite spells them.
import type { Recipe } from '../../shared/recipe.ts';
import type { EndReason, Phase } from '../../shared/run-state.ts';
import type { Dependency } from '../../shared/schemas/run.ts';

export interface RunRecord {
  /** Order of submission; also breaks ties in the queue. */
  seq: number;
  id: string;
  jobId: string;
  recipe: Recipe;
  name: string | null;
  /** The working tree that it was submitted from, and the git folder that holds its commit. */
  root: string;
  commonDir: string;
  /** Name of the file below `env/` with the submitter's environment. */
  environment: string;
  umask: number;
  phase: Phase;
  held: boolean;
  /** Dependencies that have not come true yet. */
  unmet: number;
  priority: number;
  retriesLeft: number;
  retryOf: string | null;
  retriedBy: string | null;
  attempt: number;
  bootId: string | null;
  /** Times are milliseconds since 1970. */
  createdAt: number;
  claimedAt: number | null;
  startedAt: number | null;
  exitedAt: number | null;
  finishedAt: number | null;
  cancelRequestedAt: number | null;
  exitCode: number | null;
  reason: EndReason | null;
  message: string | null;
  devices: string[];
  notes: string[];
  /** How many of the notes, from the first on, came with the submission; the others are about this execution. */
  givenNotes: number;
  artifactCount: number;
  artifactBytes: number;
}

export interface RunRow {
  seq: number;
  id: string;
  job_id: string;
  recipe: string;
  name: string | null;
  root: string;
  common_dir: string;
  environment: string;
  umask: number;
  phase: Phase;
  held: number;
  unmet: number;
  priority: number;
  retries_left: number;
  retry_of: string | null;
  retried_by: string | null;
  attempt: number;
  boot_id: string | null;
  created_at: number;
  claimed_at: number | null;
  started_at: number | null;
  exited_at: number | null;
  finished_at: number | null;
  cancel_requested_at: number | null;
  exit_code: number | null;
  reason: EndReason | null;
  message: string | null;
  devices: string;
  notes: string;
  given_notes: number;
  artifact_count: number;
  artifact_bytes: number;
}

export function recordOf(row: RunRow): RunRecord {
  return {
    seq: row.seq,
    id: row.id,
    jobId: row.job_id,
    recipe: JSON.parse(row.recipe) as Recipe,
    name: row.name,
    root: row.root,
    commonDir: row.common_dir,
    environment: row.environment,
    umask: row.umask,
    phase: row.phase,
    held: row.held === 1,
    unmet: row.unmet,
    priority: row.priority,
    retriesLeft: row.retries_left,
    retryOf: row.retry_of,
    retriedBy: row.retried_by,
    attempt: row.attempt,
    bootId: row.boot_id,
    createdAt: row.created_at,
    claimedAt: row.claimed_at,
    startedAt: row.started_at,
    exitedAt: row.exited_at,
    finishedAt: row.finished_at,
    cancelRequestedAt: row.cancel_requested_at,
    exitCode: row.exit_code,
    reason: row.reason,
    message: row.message,
    devices: JSON.parse(row.devices) as string[],
    notes: JSON.parse(row.notes) as string[],
    givenNotes: row.given_notes,
    artifactCount: row.artifact_count,
    artifactBytes: row.artifact_bytes,
  };
}

/** What it takes to make a run; the store adds its times and its place. */
export interface NewRun {
  id: string;
  recipe: Recipe;
  jobId: string;
  script: string;
  /** JSON of what was read to compile the script. */
  sources: string;
  root: string;
  commonDir: string;
  environment: string;
  umask: number;
  name: string | null;
  priority: number;
  held: boolean;
  retries: number;
  after: Dependency[];
  notes: string[];
}

/** A run as its folder has it, to be put back into an index that has lost it. */
export interface RestoredRun {
  run: RunRecord;
  after: (Dependency & { met: boolean })[];
  script: string;
  sources: string;
  /** The last event that its history names; 0 when it names none. */
  lastEventSeq: number;
}
