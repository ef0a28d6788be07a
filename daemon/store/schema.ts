// The database's shape, one migration a version, applied in order inside a transaction each. A released migration is
// never edited: databases of every version are kept as test fixtures.
import type { Database } from 'better-sqlite3';
import { QwexError } from '../../shared/errors.ts';

const V1 = `
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Texts that many jobs share: the config, templates and targets that were read at submit.
CREATE TABLE texts (sha256 TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- With a rowid: rows of some kB in a tree of their own keys would make it as deep as it is slow.
CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  workspace TEXT NOT NULL,
  commit_sha TEXT NOT NULL,
  recipe TEXT NOT NULL,
  script TEXT NOT NULL,
  sources TEXT NOT NULL REFERENCES texts (sha256)
) STRICT;

CREATE INDEX jobs_by_sources ON jobs (sources);

CREATE TABLE runs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  id_reversed TEXT NOT NULL,
  job_id TEXT NOT NULL REFERENCES jobs (id),
  name TEXT,
  root TEXT NOT NULL,
  common_dir TEXT NOT NULL,
  environment TEXT NOT NULL,
  umask INTEGER NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('queued', 'preparing', 'running', 'collecting', 'succeeded', 'failed', 'cancelled')),
  held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
  unmet INTEGER NOT NULL DEFAULT 0 CHECK (unmet >= 0),
  priority INTEGER NOT NULL DEFAULT 0,
  retries_left INTEGER NOT NULL DEFAULT 0 CHECK (retries_left >= 0),
  retry_of TEXT,
  retried_by TEXT,
  attempt INTEGER NOT NULL DEFAULT 0,
  boot_id TEXT,
  -- How many the run asks for: those that ask for none wait for a slot, the others for devices.
  gpus INTEGER NOT NULL DEFAULT 0 CHECK (gpus >= 0),
  created_at INTEGER NOT NULL,
  claimed_at INTEGER,
  started_at INTEGER,
  exited_at INTEGER,
  finished_at INTEGER,
  cancel_requested_at INTEGER,
  exit_code INTEGER,
  reason TEXT CHECK (reason IN ('exit', 'signal', 'timeout', 'cancelled', 'lost', 'prepare_failed', 'collect_failed', 'dependency')),
  message TEXT,
  devices TEXT NOT NULL DEFAULT '[]',
  notes TEXT NOT NULL DEFAULT '[]',
  given_notes INTEGER NOT NULL DEFAULT 0,
  artifact_count INTEGER NOT NULL DEFAULT 0,
  artifact_bytes INTEGER NOT NULL DEFAULT 0,
  CHECK ((phase IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
  CHECK ((phase IN ('collecting', 'succeeded', 'failed', 'cancelled')) OR reason IS NULL),
  CHECK (finished_at IS NULL OR reason IS NOT NULL),
  CHECK (phase NOT IN ('running', 'collecting', 'succeeded') OR started_at IS NOT NULL),
  CHECK (phase <> 'preparing' OR boot_id IS NOT NULL),
  CHECK (phase <> 'succeeded' OR exit_code IS 0),
  CHECK (phase = 'queued' OR held = 0)
) STRICT;
CREATE INDEX runs_ready ON runs (priority DESC, seq) WHERE phase = 'queued' AND held = 0 AND unmet = 0 AND gpus = 0;
CREATE INDEX runs_ready_for_devices ON runs (priority DESC, seq) WHERE phase = 'queued' AND held = 0 AND unmet = 0 AND gpus > 0;
CREATE INDEX runs_by_environment ON runs (environment) WHERE phase IN ('queued', 'preparing', 'running', 'collecting');
CREATE INDEX runs_by_phase ON runs (phase, seq);
CREATE INDEX runs_by_name ON runs (name, seq) WHERE name IS NOT NULL;
CREATE INDEX runs_by_job ON runs (job_id);
CREATE INDEX runs_by_suffix ON runs (id_reversed);
CREATE INDEX runs_by_retry ON runs (retry_of) WHERE retry_of IS NOT NULL;

CREATE TABLE dependencies (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  needs_id TEXT NOT NULL,
  policy TEXT NOT NULL CHECK (policy IN ('success', 'any')),
  met INTEGER NOT NULL DEFAULT 0 CHECK (met IN (0, 1)),
  PRIMARY KEY (run_id, needs_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dependencies_by_need ON dependencies (needs_id) WHERE met = 0;

-- A repeated request answers with the first one's runs.
CREATE TABLE requests (key TEXT PRIMARY KEY, run_ids TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id TEXT,
  type TEXT NOT NULL,
  at INTEGER NOT NULL,
  phase TEXT,
  reason TEXT,
  exit_code INTEGER
) STRICT;
CREATE INDEX events_by_run ON events (run_id, seq);
`;

const MIGRATIONS: readonly string[] = [V1];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings a database to this build's schema, or to an earlier one. Throws `conflict` on one that a newer qwex wrote. */
export function migrate(db: Database, upTo = SCHEMA_VERSION): void {
  const current = Number(db.pragma('user_version', { simple: true }));
  if (current > SCHEMA_VERSION) {
    throw new QwexError({
      code: 'conflict',
      message: `the database ${db.name} was written by a newer qwex (schema ${current}, this one knows ${SCHEMA_VERSION})`,
      hint: 'use the newer qwex, or set QWEX_HOME to another folder',
    });
  }
  for (let version = current; version < upTo; version += 1) {
    db.transaction(() => {
      db.exec(MIGRATIONS[version] ?? '');
      db.pragma(`user_version = ${version + 1}`);
    })();
  }
}
