// After a downgrade: what a newer qwex has begun goes on under its own supervisor, and what it has queued waits for it.
// This one can't know what it would break in their folders.
import { QwexError } from '../../shared/errors.ts';
import { VERSION } from '../../shared/version.ts';
import type { RunnerDeps } from './deps.ts';

/** Answers the runs that are to be left alone. Before anything is written into a folder. */
export async function leaveToNewer(deps: RunnerDeps): Promise<ReadonlySet<string>> {
  const { store, folders, log } = deps;
  const left = new Set<string>();
  const unfinished = store.runs.unfinished();
  await Promise.all(unfinished.map((run) => folders.lookForNewer(run)));
  for (const run of unfinished) {
    try {
      folders.assertOurs(run.id);
    } catch (error) {
      if (!(error instanceof QwexError)) throw error;
      left.add(run.id);
      log.warn(
        { runId: run.id, why: error.message },
        'the run is left to the newer qwex that wrote its folder',
      );
      if (run.phase === 'queued') store.hold(run.id);
      store.addNotes(run.id, [
        `qwex ${VERSION} leaves it alone: its folder is of a newer qwex; use that one`,
      ]);
    }
  }
  return left;
}
