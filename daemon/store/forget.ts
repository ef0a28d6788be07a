import { QwexError } from '../../shared/errors.ts';
import { hasEnded } from '../../shared/run-state.ts';
import type { RunRecord } from './record.ts';
import type { Preparer } from './statements.ts';

/** Removes an ended run, with its job when that has no other, and its texts likewise. Inside a transaction. */
export function forgetRun(db: Preparer, { id, jobId, phase }: RunRecord): void {
  if (!hasEnded(phase))
    throw new QwexError({ code: 'conflict', message: `cannot remove run ${id}: it is ${phase}` });
  db.prepare('DELETE FROM runs WHERE id = ?').run(id);
  const sources = db
    .prepare(
      'DELETE FROM jobs WHERE id = ? AND NOT EXISTS (SELECT 1 FROM runs WHERE job_id = jobs.id) RETURNING sources',
    )
    .pluck()
    .get(jobId);
  db.prepare(
    'DELETE FROM texts WHERE sha256 = ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE sources = sha256)',
  ).run(sources ?? null);
}
